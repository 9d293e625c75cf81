import type { BreakerHistory } from '../counts/breakers.ts'
import { AHEAD_MS_MIN } from '../counts/watch/clock-offset.ts'
import type { ServiceWatch } from '../counts/watch/service-watch.ts'
import type { Services } from '../counts/watch/services.ts'
import type { Journal } from '../journal/journal.ts'
import type { EdgeFacts, Minute, ServiceFacts, Situation, Window } from '../verdict/situation.ts'
import type { Thresholds } from '../verdict/thresholds.ts'
import { nestedCalls } from './known-calls.ts'

const SECOND_MS = 1_000
const WINDOW_MS = 60_000

/** Collects what a verdict is made from. */
export function situationOf(journal: Journal, now: number, thresholds: Thresholds): Situation {
  const { services, breakers } = journal
  const newest = Math.max(...services.all.map((watch) => watch.lastLineAt))
  const isOld =
    Number.isFinite(newest) &&
    newest < now - thresholds.oldAfterMs &&
    !services.all.some(({ wasFollowed }) => wasFollowed)
  const moment = isOld ? newest : now
  return {
    now: moment,
    isOld,
    services: services.all.map((watch) =>
      factsOf(
        watch,
        breakers.all.filter(({ service }) => service === watch.name),
        moment,
      ),
    ),
    edges: edgesOf(services),
  }
}

function factsOf(watch: ServiceWatch, breakers: readonly BreakerHistory[], now: number): ServiceFacts {
  const offset = watch.clock.ms
  // Everything below is by the reader's clock.
  const lastRequestAt = lastRequestOf(watch, offset, now)
  return {
    name: watch.name,
    window: windowOf(watch, now, offset),
    lastWindow: windowOf(watch, lastRequestAt ?? now, offset),
    minutes: minutesOf(watch, now, offset),
    olderFailing: watch.olderFailing,
    olderFailures: watch.olderFailures,
    lastRequestAt,
    lastLineAt: finite(Math.min(watch.lastLineAt - Math.min(offset, 0), now)),
    wasFollowed: watch.wasFollowed,
    breakers: breakers.map((breaker) => ({
      shield: breaker.shield,
      policy: breaker.policy,
      instance: breaker.instance,
      state: breaker.state,
      changedAt: (breaker.since ?? 0) - offset,
      openSince: breaker.openSince === undefined ? undefined : breaker.openSince - offset,
      process: breaker.process,
    })),
    processes: watch.processes.all.map(({ id, firstAt, lastAt }) => ({
      id,
      firstAt: firstAt - offset,
      lastAt: lastAt - offset,
    })),
    starts: watch.processes.starts.map((at) => at - offset),
    clockAheadMs: offset,
  }
}

function lastRequestOf(watch: ServiceWatch, offset: number, now: number): number | undefined {
  const last = finite(watch.lastRequestAt)
  const ahead = finite(watch.lastAheadRequestAt)
  if (offset === 0) {
    // What was ahead when it was read may not be any more.
    const newest = ahead !== undefined && ahead <= now ? Math.max(ahead, last ?? ahead) : last
    return newest === undefined ? undefined : Math.min(newest, now)
  }
  const shifted = [last, offset > 0 ? ahead : undefined].filter((at) => at !== undefined).map((at) => at - offset)
  return shifted.length === 0 ? undefined : Math.min(Math.max(...shifted), now)
}

/** The counts of the 60 seconds that end at a moment. */
function windowOf(watch: ServiceWatch, moment: number, offset: number): Window {
  const at = moment + offset
  const from = (Math.floor(at / SECOND_MS) - WINDOW_MS / SECOND_MS + 1) * SECOND_MS
  // A clock that is ahead by less than what counts as ahead belongs to now.
  const to = at + AHEAD_MS_MIN + 1
  const total = { requests: 0, failures: 0, clientErrors: 0, degraded: 0, slow: 0, hops: 0, hopFailures: 0 }
  const more = { hopDegraded: 0, probes: 0, probeFailures: 0, criticals: 0, fallbacks: 0 }
  let firstCriticalAt: number | undefined
  for (const second of watch.seconds(from, to)) {
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += second[key]
    for (const key of Object.keys(more) as (keyof typeof more)[]) more[key] += second[key]
    if (second.criticals > 0)
      firstCriticalAt = Math.min(firstCriticalAt ?? Number.POSITIVE_INFINITY, second.firstMarkAt)
  }
  const { requests, failures, degraded, hops, hopFailures } = total
  return {
    requests,
    failures,
    clientErrors: total.clientErrors,
    degraded: Math.max(degraded, more.fallbacks),
    slow: total.slow,
    p95Ms: watch.latencies(from, to).percentile(0.95),
    entries: requests - hops,
    entryFailures: failures - hopFailures,
    entryDegraded: degraded - more.hopDegraded,
    probes: more.probes,
    probeFailures: more.probeFailures,
    criticals: more.criticals,
    firstCriticalAt: firstCriticalAt === undefined ? undefined : firstCriticalAt - offset,
  }
}

function minutesOf(watch: ServiceWatch, now: number, offset: number): readonly Minute[] {
  const at = now + offset
  const minutes: Minute[] = []
  // Its minutes begin when its own clock says so. All that are kept tell when trouble began.
  for (const bucket of watch.minutes(0, at + AHEAD_MS_MIN + 1)) {
    const { requests, failures, clientErrors, degraded, fallbacks, slow, latency } = bucket
    if (requests === 0 && fallbacks === 0) continue
    minutes.push({
      at: bucket.number * WINDOW_MS - offset,
      requests,
      failures,
      clientErrors,
      degraded: Math.max(degraded, fallbacks),
      slow,
      p95Ms: latency?.percentile(0.95) ?? null,
      firstAt: Math.min(bucket.firstAt, bucket.firstBadAt) - offset,
      lastAt: Math.max(bucket.lastAt, Number.isFinite(bucket.firstBadAt) ? bucket.firstBadAt : bucket.lastAt) - offset,
      firstFailureAt: shifted(bucket.firstFailureAt, offset),
      lastFailureAt: shifted(bucket.lastFailureAt, offset),
      firstBadAt: shifted(bucket.firstBadAt, offset),
    })
  }
  return minutes.sort((a, b) => a.at - b.at)
}

/** Returns which service calls which. */
export function edgesOf(services: Services): readonly EdgeFacts[] {
  const edges: EdgeFacts[] = services.edges.all.map(({ caller, callee, failures, failuresBefore }) => ({
    caller: caller.name,
    callee: callee.name,
    failures: failures + failuresBefore,
  }))
  for (const { caller, callee, failures, failuresBefore } of nestedCalls(services))
    edges.push({ caller: caller.name, callee: callee.name, failures: failures + failuresBefore })
  for (const { caller, callee } of services.namedCalls)
    edges.push({ caller: caller.name, callee: callee.name, failures: undefined })
  return edges
}

function shifted(at: number, offset: number): number | undefined {
  return Number.isFinite(at) ? at - offset : undefined
}

function finite(at: number): number | undefined {
  return Number.isFinite(at) ? at : undefined
}
