import {
  type CircuitBreaker,
  cache,
  circuitBreaker,
  coalesce,
  consecutive,
  constant,
  fallback,
  hedge,
  retry,
  timeout,
} from 'escudo'
import type { Entry } from './entry.ts'
import { theAdaptiveLimiter, theBulkhead, theRateLimiter, theThrottle } from './limits.ts'
import { cancelledEnd, type End, hasAnswer, isCancelled, isFailure, refuse, released, verdictOn } from './model.ts'

/** The delays of the policies below, chosen so that no two fall due at the same instant. */
const BACKOFF_MS = 10
const HEDGE_MS = 50
const TTL_MS = 60_000

export const theFallback = (name = 'fallback'): Entry => ({
  name,
  type: 'fallback',
  make: () => fallback('fallback', { name }),
  counters: {},
  model: (inside) => (world, at, context) => {
    const end = inside(world, at, context)
    if (hasAnswer(end) || isCancelled(context, end) || end.outcome === 'business') return end
    world.emit('fallback')
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
    (world, at, { cancellation: outer, deadline }) => {
      const timedOut = { at: at + afterMs, reason: 'timeout', by: 'escudo' } as const
      const cancellation = timedOut.at < outer.at ? timedOut : outer
      const end = inside(world, at, { cancellation, deadline: Math.min(deadline, timedOut.at) })
      if (cancellation === timedOut && end.at >= timedOut.at) {
        world.count(name, 'timeouts')
        world.emit('timeout')
      }
      // Outer policies do not wait for an operation that is cancelled in here.
      return released(end)
    },
})

export const theRetry = (maxRetries = 1, name = 'retry'): Entry => ({
  name,
  type: 'retry',
  make: () => retry({ maxRetries, backoff: constant(BACKOFF_MS), name }),
  counters: { calls: 0, retries: 0, exhausted: 0 },
  model: (inside) => (world, at, context) => {
    world.count(name, 'calls')
    let end = inside(world, at, context)
    let retries = 0
    for (; verdictOn(end, context) === 'failure'; retries += 1) {
      const nextAt = end.at + BACKOFF_MS
      if (isCancelled(context, end) || retries === maxRetries || nextAt >= context.deadline) {
        world.count(name, 'exhausted')
        return end
      }
      world.count(name, 'retries')
      world.emit('retry')
      if (context.cancellation.at <= nextAt) return cancelledEnd(context)
      end = inside(world, nextAt, context)
    }
    // The last attempt was refused, but an earlier one failed.
    if (end.outcome === 'refused' && retries > 0 && !isCancelled(context, end)) world.count(name, 'exhausted')
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

/** The end of a cancelled hedge, which waits for none of its attempts. */
function settledAtCancellation(first: End, second: End = first): End {
  const until = [first, second].map(({ runningUntil, lateUntil }) => runningUntil ?? lateUntil ?? 0)
  const lateUntil = Math.max(...until)
  return { ...released(second), lateUntil: lateUntil === 0 ? undefined : lateUntil }
}

export const theHedge = (name = 'hedge'): Entry => ({
  name,
  type: 'hedge',
  make: () => hedge({ after: HEDGE_MS, name }),
  counters: { calls: 0, hedges: 0, wins: 0 },
  model: (inside) => (world, at, context) => {
    world.count(name, 'calls')
    const first = inside(world, at, context)
    const dueAt = at + HEDGE_MS
    const hedgedAt = first.at > dueAt ? dueAt : first.at
    // A hedge starts after the delay, or immediately after a failure, unless the deadline or a cancellation comes first.
    const wanted = first.at > dueAt || (verdictOn(first, context) === 'failure' && !isCancelled(context, first))
    if (!wanted || hedgedAt >= context.deadline || context.cancellation.at <= hedgedAt) {
      return isCancelled(context, first) ? settledAtCancellation(first) : released(first)
    }
    world.count(name, 'hedges')
    world.emit('hedge')
    const answered = !isCancelled(context, first) && !isFailure(first) && first.outcome !== 'refused'
    // The first attempt that answers cancels the other one, which counts as neither success nor failure.
    const lost = { at: first.at, reason: 'lost', by: 'caller' } as const
    const second = inside(world, hedgedAt, answered ? { ...context, cancellation: lost } : context)
    if (answered) return released(first)
    // The last failure. A refusal is not a failure.
    const last = second.at >= first.at && second.outcome !== 'refused' ? second : first
    if (!isCancelled(context, last) && !isFailure(last) && last.outcome !== 'refused') world.count(name, 'wins')
    if (isCancelled(context, last)) return settledAtCancellation(first, second)
    return { outcome: last.outcome, at: Math.max(first.at, second.at) }
  },
})

export const theCache = (name = 'cache'): Entry => ({
  name,
  type: 'cache',
  make: () => cache({ ttl: TTL_MS, name }),
  counters: { entries: 0, hits: 0, stale: 0, misses: 0 },
  model: (inside) => (world, at, context) => {
    const stored = world.memory.get(name)
    if (stored !== undefined && stored.at <= at && at < stored.at + TTL_MS) {
      world.count(name, 'hits')
      return { ...stored, at }
    }
    const end = inside(world, at, context)
    world.count(name, 'misses')
    if (hasAnswer(end) && !isCancelled(context, end)) {
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
    const flight = world.memory.get(name)
    let end: End
    if (flight !== undefined && at < flight.at) {
      world.count(name, 'joined')
      end = flight
    } else {
      // A flight belongs to no caller: it has no deadline, and ends when the last caller has left.
      end = inside(world, at, { ...context, deadline: Number.POSITIVE_INFINITY })
      world.memory.set(name, end)
    }
    return isCancelled(context, end) ? cancelledEnd(context) : released(end)
  },
})

/** All policies of the library. */
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
