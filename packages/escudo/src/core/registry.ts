import type { Clock } from './clock.ts'
import type { AnyPolicy } from './policy.ts'

/** What telemetry may read of a shield. It gives access to the state, but to no call. */
export interface ShieldFacts {
  readonly name: string
  readonly clock: Clock
  readonly policies: readonly { readonly name: string; readonly policy: AnyPolicy }[]
}

// Every shield registers itself: a program has no access to the shields that `resilientFetch` creates for each origin.
// The references are weak, so that a shield is collected when its program no longer uses it.
let references: WeakRef<ShieldFacts>[] = []
const SWEEP_MIN = 64
let sweepAt = SWEEP_MIN

/** Adds a shield to the list. It stays there until its facts are garbage-collected. */
export function registerShield(facts: ShieldFacts): void {
  // A runtime without weak references has no list. Counters come from events and work there too.
  if (typeof WeakRef === 'undefined') return
  if (references.length >= sweepAt) {
    references = references.filter((reference) => reference.deref() !== undefined)
    // Twice the number of live shields, so that sweeps cost O(1) per new shield.
    sweepAt = Math.max(SWEEP_MIN, 2 * references.length)
  }
  references.push(new WeakRef(facts))
}

/** Returns the live shields in the order in which they were built. */
export function registeredShields(): readonly ShieldFacts[] {
  return references.map((reference) => reference.deref()).filter((facts) => facts !== undefined)
}

/** Returns the length of the list, including entries of collected shields. */
export function registeredCount(): number {
  return references.length
}
