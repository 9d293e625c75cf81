import type { Clock } from './clock.ts'
import { warn } from './events/events.ts'
import type { AnyPolicy } from './policy.ts'
import type { AnyShield } from './shield-types.ts'
import { fakeTime, systemNow } from './system-time.ts'

/** What telemetry and the levers may read of a shield. */
export interface ShieldFacts {
  readonly name: string
  readonly clock: Clock
  readonly policies: readonly { readonly name: string; readonly policy: AnyPolicy }[]
  readonly shield: AnyShield
}

// Every shield registers itself: a program has no access to the shields that `resilientFetch` creates for each origin.
// The references are weak, so that a shield is collected when its program no longer uses it.
let references: WeakRef<ShieldFacts>[] = []
const SWEEP_MIN = 64
let sweepAt = SWEEP_MIN

/** Adds a shield to the list. It stays there until its facts are garbage-collected. */
export function registerShield(facts: ShieldFacts): void {
  // A test may have replaced `performance` before it builds its shields.
  fakeTime()
  countFresh(facts)
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

// A shield that is built for each call forgets its state after the call, so that its circuit never opens and its bulkhead
// is never full. Such shields are counted when they are built: garbage collection removes most of them at once. A name
// gets one point for each shield and loses one in ten seconds, so a program that rebuilds its shields for a new
// configuration stays far below the limit for any length of time.
const WARN_AT = 500
const MS_PER_POINT = 10_000
// Bounds the map, in case a program generates the names. The name that was first seen longest ago is dropped.
const NAMES_MAX = 200

const freshByName = new Map<string, { points: number; atMs: number }>()
const warned = new Set<string>()
const known = new WeakSet<AnyPolicy>()
let counting = true

/** Builds a shield that is not counted, because its builder replaces shields for a reason. */
export function withoutFreshWarning<T>(build: () => T): T {
  counting = false
  try {
    return build()
  } finally {
    counting = true
  }
}

/** Warns once per name if a program builds shields of that name, all of them with new policies, again and again. */
function countFresh({ name, policies }: ShieldFacts): void {
  if (!counting || policies.length === 0) return
  // A shield around a policy that another shield has too keeps the state of that policy.
  const fresh = policies.every(({ policy }) => !known.has(policy))
  for (const { policy } of policies) known.add(policy)
  if (!fresh || warned.has(name)) return
  const now = systemNow()
  const count = freshByName.get(name) ?? { points: 0, atMs: now }
  count.points = Math.max(0, count.points - (now - count.atMs) / MS_PER_POINT) + 1
  count.atMs = now
  if (count.points < WARN_AT) {
    if (!freshByName.has(name) && freshByName.size >= NAMES_MAX) dropOldestName()
    freshByName.set(name, count)
    return
  }
  freshByName.delete(name)
  if (warned.size >= NAMES_MAX) return
  warned.add(name)
  warn(
    `the shield '${name}' is built again and again, each time with new policies: their state (an open circuit, permits, cached values) is lost each time. Build it once, outside the function that calls it. For a time limit that differs for each call, use the option 'deadline' of run()`,
    'ESCUDO_SHIELDS',
  )
}

function dropOldestName(): void {
  for (const name of freshByName.keys()) {
    freshByName.delete(name)
    return
  }
}
