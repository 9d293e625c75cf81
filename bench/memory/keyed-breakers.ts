// Measures the bytes of one circuit breaker per key, after one call for each of a million keys. It fills the heap, so it is
// a separate process: node --expose-gc --conditions=@escudo/source bench/memory/keyed-breakers.ts [--keys N] [--json]
//
// The figure includes the breaker state, its map entry and its key of 2 to 8 characters. The state of the policy is shared
// by all keys.
import { parseArgs } from 'node:util'
import { anyTrip, consecutive, failureRate, slowCallRate, type Trip } from '../../packages/escudo/src/index.ts'
import { Breaker } from '../../packages/escudo/src/policies/circuit-breaker/state/breaker.ts'
import type { BreakerSettings } from '../../packages/escudo/src/policies/circuit-breaker/state/settings.ts'
import { KeyedStates } from '../../packages/escudo/src/policies/shared/state/keyed-states.ts'

const GOAL_BYTES = 300

/** The measured trips, by name. */
const TRIPS: Readonly<Record<string, Trip>> = {
  'failureRate(), a window of 30 s': failureRate(),
  'failureRate(), a window of 100 calls': failureRate({ window: { calls: 100 } }),
  'consecutive(5)': consecutive(5),
  'anyTrip(failureRate(), slowCallRate())': anyTrip(failureRate(), slowCallRate({ threshold: 0.5, slowerThan: '2s' })),
}

interface Measured {
  readonly trip: string
  readonly keys: number
  readonly bytesPerKey: number
}

function settingsOf(trip: Trip): BreakerSettings {
  return {
    trip,
    openPeriod: { baseMs: 10_000, factor: 1, maxMs: 10_000, retryAfterMaxMs: 60_000 },
    halfOpen: { probes: 1, closeAt: 1, leaseMs: 60_000 },
    mode: 'enforce',
    ramp: undefined,
    onTransition: () => {},
  }
}

/** Makes one successful call for each key. */
function fill(states: KeyedStates<Breaker>, keys: number): void {
  for (let n = 0; n < keys; n += 1) {
    const now = n / 1_000
    const breaker = states.use(`k${n}`)
    const permit = breaker.sharedPermit ?? breaker.tryAcquire(now, Math.random)
    if (permit !== undefined) breaker.settle(permit, 'success', now, undefined, 1)
  }
}

function heapBytes(collect: () => void): number {
  // Twice, because the second frees what the first finalises.
  collect()
  collect()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

function measure(name: string, trip: Trip, keys: number, collect: () => void): Measured {
  const settings = settingsOf(trip)
  const states = new KeyedStates<Breaker>(keys, (key) => new Breaker(settings, key))
  const before = heapBytes(collect)
  fill(states, keys)
  const bytesPerKey = (heapBytes(collect) - before) / keys
  if (states.size !== keys) throw new Error(`${states.size} of ${keys} keys are in the map`)
  return { trip: name, keys, bytesPerKey: Math.round(bytesPerKey) }
}

function main(): void {
  const { values } = parseArgs({
    options: { keys: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } },
  })
  const keys = Number(values.keys)
  if (!Number.isInteger(keys) || keys < 1_000 || keys > 10_000_000) {
    throw new TypeError(`--keys takes a whole number from 1000 to 10000000, got '${values.keys}'`)
  }
  const collect = globalThis.gc
  if (collect === undefined) throw new Error('run with --expose-gc')
  // V8 learns the size of an instance from the first ones.
  for (const trip of Object.values(TRIPS)) measure('warm-up', trip, 1_000, collect)
  const measured = Object.entries(TRIPS).map(([name, trip]) => measure(name, trip, keys, collect))
  if (values.json) {
    console.log(JSON.stringify({ goalBytes: GOAL_BYTES, measured }))
    return
  }
  for (const { trip, bytesPerKey } of measured) {
    console.log(`${trip}: ${bytesPerKey} bytes a key at ${keys} keys (goal: at most ${GOAL_BYTES})`)
  }
}

try {
  main()
} catch (error) {
  console.error(`keyed-breakers: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
