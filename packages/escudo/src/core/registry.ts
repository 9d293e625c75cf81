import type { Clock } from './clock.ts'
import type { AnyPolicy } from './policy.ts'

/** What telemetry may know of a shield: enough to read its state, and nothing to act with. */
export interface ShieldFacts {
  readonly name: string
  readonly clock: Clock
  readonly policies: readonly { readonly name: string; readonly policy: AnyPolicy }[]
}

// Remembered weakly. Asking every program to register its shields would miss those that `resilientFetch` makes for each
// origin, which nobody else ever sees; and a plain list would keep a shield for ever that its program has let go.
let remembered: WeakRef<ShieldFacts>[] = []
const SWEEP_MIN = 64
let sweepAt = SWEEP_MIN

/** Puts a shield on the list, as long as something else holds its facts. */
export function registerShield(facts: ShieldFacts): void {
  // Where the runtime has no weak references there is no list; counters, which come from events, work all the same.
  if (typeof WeakRef === 'undefined') return
  if (remembered.length >= sweepAt) {
    remembered = remembered.filter((reference) => reference.deref() !== undefined)
    // Twice what is alive: a sweep costs each new shield a constant share, however many there are.
    sweepAt = Math.max(SWEEP_MIN, 2 * remembered.length)
  }
  remembered.push(new WeakRef(facts))
}

/** The shields that there are, in the order in which they were built. */
export function registeredShields(): readonly ShieldFacts[] {
  return remembered.map((reference) => reference.deref()).filter((facts) => facts !== undefined)
}

/** How many entries the list holds, those of shields that are gone included. */
export function registeredCount(): number {
  return remembered.length
}
