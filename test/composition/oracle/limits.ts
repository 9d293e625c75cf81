import { type AnyPolicy, adaptiveLimiter, adaptiveThrottle, bulkhead, rateLimiter, type Shield, shield } from 'escudo'
import type { VirtualClock } from 'escudo/testing'
import type { Entry } from './entry.ts'
import { cancelledEnd, refuse, verdictOn } from './model.ts'

// The policies that limit calls or load.

/** A shield with one policy, for calls other than those under test. */
function otherShield(policy: AnyPolicy, clock: VirtualClock): Shield {
  const build = shield as unknown as (options: object, policy: AnyPolicy) => Shield
  return build({ name: 'others', clock, random: () => 1 }, policy)
}

/** Takes all permits of a limit. Returns a function that releases them. */
function takePermits(policy: AnyPolicy, clock: VirtualClock, permits: number): () => void {
  const busy = otherShield(policy, clock)
  const { promise, resolve } = Promise.withResolvers<void>()
  for (let permit = 0; permit < permits; permit += 1) void busy.run(() => promise, { key: 'busy' })
  return resolve
}

const LIMIT = 8

export const theBulkhead = (name = 'bulkhead'): Entry => ({
  name,
  type: 'bulkhead',
  make: () => bulkhead({ limit: LIMIT, name }),
  counters: { inUse: 0, queued: 0 },
  model: (inside) => (world, at, context) => {
    if (world.refusing === name) return refuse(world, at)
    const end = inside(world, at, context)
    world.take(name, end.runningUntil ?? end.lateUntil)
    return end
  },
  refuse: (policy, clock) => takePermits(policy, clock, LIMIT),
})

const PERMITS = 1_000

export const theRateLimiter = (name = 'rateLimiter'): Entry => ({
  name,
  type: 'rateLimiter',
  make: () => rateLimiter({ limit: PERMITS, per: '100h', algorithm: 'slidingWindow', name }),
  counters: { available: PERMITS },
  model: (inside) => (world, at, context) => {
    if (world.refusing === name) return refuse(world, at)
    if (context.cancellation.at <= at) return cancelledEnd(context)
    world.count(name, 'available', -1)
    return inside(world, at, context)
  },
  refuse: (policy, clock) => {
    const busy = otherShield(policy, clock)
    for (let permit = 0; permit < PERMITS; permit += 1) void busy.run(() => undefined)
    return () => {}
  },
})

export const theThrottle = (name = 'adaptiveThrottle'): Entry => ({
  name,
  type: 'adaptiveThrottle',
  make: () => adaptiveThrottle({ window: '10h', name }),
  counters: { requests: 0, accepts: 0 },
  model: (inside) => (world, at, context) => {
    if (world.refusing === name) {
      world.count(name, 'requests')
      return refuse(world, at)
    }
    if (context.cancellation.at <= at) return cancelledEnd(context)
    world.count(name, 'requests')
    const end = inside(world, at, context)
    if (verdictOn(end, context) !== 'failure') world.count(name, 'accepts')
    return end
  },
  refuse: (policy, clock) => {
    const down = otherShield(policy, clock)
    for (let call = 0; call < 100; call += 1) {
      down.run(() => Promise.reject(new Error('down'))).catch(() => {})
    }
    return () => {}
  },
})

export const theAdaptiveLimiter = (name = 'adaptiveLimiter'): Entry => ({
  name,
  type: 'adaptiveLimiter',
  make: () => adaptiveLimiter({ initial: LIMIT, max: LIMIT, name }),
  counters: { inFlight: 0 },
  model: (inside) => (world, at, context) => {
    if (world.refusing === name) return refuse(world, at)
    if (context.cancellation.at <= at) return cancelledEnd(context)
    const end = inside(world, at, context)
    world.take(name, end.runningUntil ?? end.lateUntil)
    return end
  },
  refuse: (policy, clock) => takePermits(policy, clock, LIMIT),
})
