import {
  type AnyPolicy,
  adaptiveLimiter,
  adaptiveThrottle,
  bulkhead,
  type CircuitBreaker,
  cache,
  circuitBreaker,
  coalesce,
  consecutive,
  constant,
  fallback,
  hedge,
  rateLimiter,
  retry,
  type Shield,
  shield,
  timeout,
} from 'escudo'
import type { VirtualClock } from 'escudo/testing'
import { cutEnd, type End, hasAnswer, isCut, isFailure, type Part, refuse, released, verdictOn } from './model.ts'

/** A policy, and what the documentation says of it. One entry is all that a further policy needs. */
export interface Entry {
  readonly name: string
  readonly type: string
  readonly make: () => AnyPolicy
  /** What its status shows of a policy that has done nothing. */
  readonly counters: Readonly<Record<string, number>>
  /** The rules. */
  readonly model: (inside: Part) => Part
  /** Makes the policy refuse every call, until what it returns is called. */
  readonly refuse?: (policy: AnyPolicy, clock: VirtualClock) => () => void
}

/** The delays of the policies below. Chosen so that no two things fall due in the same instant. */
export const TIMES = { backoffMs: 10, hedgeMs: 50, ttlMs: 60_000 } as const
const { backoffMs, hedgeMs, ttlMs } = TIMES

export const theFallback = (name = 'fallback'): Entry => ({
  name,
  type: 'fallback',
  make: () => fallback('fallback', { name }),
  counters: {},
  model: (inside) => (world, at, context) => {
    const end = inside(world, at, context)
    if (hasAnswer(end) || isCut(context, end) || end.outcome === 'business') return end
    world.tell('fallback')
    return { outcome: 'fallback', at: end.at }
  },
})

export const theTimeout = (afterMs = 1_000, name = 'timeout'): Entry => ({
  name,
  type: 'timeout',
  make: () => timeout(afterMs, { name }),
  counters: { timeouts: 0 },
  model:
    (inside) =>
    (world, at, { cut: outer, deadline }) => {
      const own = { at: at + afterMs, reason: 'timeout', by: 'escudo' } as const
      const cut = own.at < outer.at ? own : outer
      const end = inside(world, at, { cut, deadline: Math.min(deadline, own.at) })
      if (cut === own && end.at >= own.at) {
        world.count(name, 'timeouts')
        world.tell('timeout')
      }
      // Further out nobody waits for what was cut in here.
      return released(end)
    },
})

export const theRetry = (maxRetries = 1, name = 'retry'): Entry => ({
  name,
  type: 'retry',
  make: () => retry({ maxRetries, backoff: constant(backoffMs), name }),
  counters: { calls: 0, retries: 0, exhausted: 0 },
  model: (inside) => (world, at, context) => {
    world.count(name, 'calls')
    let end = inside(world, at, context)
    for (let retries = 0; verdictOn(end, context) === 'failure'; retries += 1) {
      const nextAt = end.at + backoffMs
      if (isCut(context, end) || retries === maxRetries || nextAt >= context.deadline) {
        world.count(name, 'exhausted')
        break
      }
      world.count(name, 'retries')
      world.tell('retry')
      if (context.cut.at <= nextAt) return cutEnd(context)
      end = inside(world, nextAt, context)
    }
    return end
  },
})

export const theBreaker = (name = 'circuitBreaker'): Entry => ({
  name,
  type: 'circuitBreaker',
  make: () => circuitBreaker({ trip: consecutive(1_000), name }),
  counters: { failures: 0, calls: 0 },
  model: (inside) => (world, at, context) => {
    if (world.refusing === name) return refuse(world, at)
    const end = inside(world, at, context)
    const verdict = verdictOn(end, context)
    if (verdict !== 'ignored') world.count(name, 'calls')
    if (verdict === 'failure') world.count(name, 'failures')
    if (verdict === 'success') world.set(name, 'failures', 0)
    return end
  },
  refuse: (policy) => {
    const breaker = policy as CircuitBreaker
    breaker.isolate()
    return () => breaker.reset()
  },
})

/** A shield of one policy alone, by which others than the calls under test use it. */
function others(policy: AnyPolicy, clock: VirtualClock): Shield {
  const build = shield as unknown as (options: object, policy: AnyPolicy) => Shield
  return build({ name: 'others', clock, random: () => 1 }, policy)
}

/** Takes all the places of a limit, each with an operation that ends when it is told. */
function takePlaces(policy: AnyPolicy, clock: VirtualClock, places: number): () => void {
  const busy = others(policy, clock)
  const { promise, resolve } = Promise.withResolvers<void>()
  for (let place = 0; place < places; place += 1) void busy.run(() => promise, { key: 'busy' })
  return resolve
}

const PLACES = 8

export const theBulkhead = (name = 'bulkhead'): Entry => ({
  name,
  type: 'bulkhead',
  make: () => bulkhead({ limit: PLACES, name }),
  counters: { inUse: 0, queued: 0 },
  model: (inside) => (world, at, context) => {
    if (world.refusing === name) return refuse(world, at)
    const end = inside(world, at, context)
    world.hold(name, end.heldUntil ?? end.lingersUntil)
    return end
  },
  refuse: (policy, clock) => takePlaces(policy, clock, PLACES),
})

/** The attempts of a hedge that was cut: it waits for none of them. */
function settledAtCut(first: End, second: End = first): End {
  const until = [first, second].map(({ heldUntil, lingersUntil }) => heldUntil ?? lingersUntil ?? 0)
  const lingersUntil = Math.max(...until)
  return { ...released(second), lingersUntil: lingersUntil === 0 ? undefined : lingersUntil }
}

export const theHedge = (name = 'hedge'): Entry => ({
  name,
  type: 'hedge',
  make: () => hedge({ after: hedgeMs, name }),
  counters: { calls: 0, hedges: 0, wins: 0 },
  model: (inside) => (world, at, context) => {
    world.count(name, 'calls')
    const first = inside(world, at, context)
    const dueAt = at + hedgeMs
    const hedgedAt = first.at > dueAt ? dueAt : first.at
    // A hedge after so long, or at once after a failure: while there is time, and somebody who waits.
    const wanted = first.at > dueAt || (verdictOn(first, context) === 'failure' && !isCut(context, first))
    if (!wanted || hedgedAt >= context.deadline || context.cut.at <= hedgedAt) {
      return isCut(context, first) ? settledAtCut(first) : released(first)
    }
    world.count(name, 'hedges')
    world.tell('hedge')
    const answered = !isCut(context, first) && !isFailure(first) && first.outcome !== 'refused'
    // The first to answer ends the other, which says nothing about the dependency.
    const lost = { at: first.at, reason: 'lost', by: 'caller' } as const
    const second = inside(world, hedgedAt, answered ? { ...context, cut: lost } : context)
    if (answered) return released(first)
    // The last failure; a refusal is none.
    const last = second.at >= first.at && second.outcome !== 'refused' ? second : first
    if (!isCut(context, last) && !isFailure(last) && last.outcome !== 'refused') world.count(name, 'wins')
    if (isCut(context, last)) return settledAtCut(first, second)
    return { outcome: last.outcome, at: Math.max(first.at, second.at) }
  },
})

export const theCache = (name = 'cache'): Entry => ({
  name,
  type: 'cache',
  make: () => cache({ ttl: ttlMs, name }),
  counters: { entries: 0, hits: 0, stale: 0, misses: 0 },
  model: (inside) => (world, at, context) => {
    const kept = world.memory.get(name)
    if (kept !== undefined && kept.at <= at && at < kept.at + ttlMs) {
      world.count(name, 'hits')
      return { ...kept, at }
    }
    const end = inside(world, at, context)
    world.count(name, 'misses')
    if (hasAnswer(end) && !isCut(context, end)) {
      world.memory.set(name, end)
      world.set(name, 'entries', 1)
    }
    return end
  },
})

export const theCoalesce = (name = 'coalesce'): Entry => ({
  name,
  type: 'coalesce',
  make: () => coalesce({ name }),
  counters: { flights: 0, waiting: 0, joined: 0 },
  model: (inside) => (world, at, context) => {
    const flying = world.memory.get(name)
    let end: End
    if (flying !== undefined && at < flying.at) {
      world.count(name, 'joined')
      end = flying
    } else {
      // The flight is nobody's own: it has no deadline, and ends when the last has left.
      end = inside(world, at, { ...context, deadline: Number.POSITIVE_INFINITY })
      world.memory.set(name, end)
    }
    return isCut(context, end) ? cutEnd(context) : released(end)
  },
})

const PERMITS = 1_000

export const theRateLimiter = (name = 'rateLimiter'): Entry => ({
  name,
  type: 'rateLimiter',
  make: () => rateLimiter({ limit: PERMITS, per: '100h', algorithm: 'slidingWindow', name }),
  counters: { available: PERMITS },
  model: (inside) => (world, at, context) => {
    if (world.refusing === name) return refuse(world, at)
    if (context.cut.at <= at) return cutEnd(context)
    world.count(name, 'available', -1)
    return inside(world, at, context)
  },
  refuse: (policy, clock) => {
    const busy = others(policy, clock)
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
    if (context.cut.at <= at) return cutEnd(context)
    world.count(name, 'requests')
    const end = inside(world, at, context)
    if (verdictOn(end, context) !== 'failure') world.count(name, 'accepts')
    return end
  },
  refuse: (policy, clock) => {
    const down = others(policy, clock)
    for (let call = 0; call < 100; call += 1) {
      down.run(() => Promise.reject(new Error('down'))).catch(() => {})
    }
    return () => {}
  },
})

export const theAdaptiveLimiter = (name = 'adaptiveLimiter'): Entry => ({
  name,
  type: 'adaptiveLimiter',
  make: () => adaptiveLimiter({ initial: PLACES, max: PLACES, name }),
  counters: { inFlight: 0 },
  model: (inside) => (world, at, context) => {
    if (world.refusing === name) return refuse(world, at)
    if (context.cut.at <= at) return cutEnd(context)
    const end = inside(world, at, context)
    world.hold(name, end.heldUntil ?? end.lingersUntil)
    return end
  },
  refuse: (policy, clock) => takePlaces(policy, clock, PLACES),
})

/** All policies that there are. */
export const ENTRIES: readonly Entry[] = [
  theFallback(),
  theTimeout(),
  theRetry(),
  theBreaker(),
  theBulkhead(),
  theHedge(),
  theCache(),
  theCoalesce(),
  theRateLimiter(),
  theThrottle(),
  theAdaptiveLimiter(),
]
