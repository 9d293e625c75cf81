import type { Counts, Minute, Run } from './situation.ts'
import type { Thresholds } from './thresholds.ts'

/** How bad the failures of a span of time are. */
export type Level = 'healthy' | 'degraded' | 'failing'

/** Failures further apart are separate. */
const PAUSE_MS_MAX = 60_000
/** Failures that begin this shortly before a minute with trouble belong to it. */
const RUN_UP_MS = 10_000

/** Judges the failures of 60 seconds. */
export function levelOf(counts: Counts, thresholds: Thresholds): Level {
  const bad = badOf(counts, thresholds)
  if (bad === 0) return 'healthy'
  const { requests } = counts
  const { objective, failingShare, failingCount, failingHalf, failingHalfRequests, burnFailing } = thresholds
  if (requests >= failingHalfRequests && bad >= requests * failingHalf) return 'failing'
  if (objective !== undefined) {
    const burn = burnOf(counts, thresholds) ?? 0
    if (burn >= burnFailing && bad >= failingCount) return 'failing'
    return burn >= 1 ? 'degraded' : 'healthy'
  }
  if (bad >= failingCount && bad >= requests * failingShare) return 'failing'
  return isNegligible(bad, counts, thresholds) ? 'healthy' : 'degraded'
}

/** Whether so few answers of this kind are healthy. Requests that the client got wrong make failures no rarer. */
export function isNegligible(count: number, { requests, clientErrors }: Counts, { healthyShare }: Thresholds): boolean {
  return count < (requests - clientErrors) * healthyShare
}

/** How many times faster than allowed the error budget is used; undefined without an objective. */
export function burnOf(counts: Counts, thresholds: Thresholds): number | undefined {
  const { objective } = thresholds
  if (objective === undefined) return undefined
  if (counts.requests === 0) return 0
  // The budget is rounded: 1 - 0.999 is slightly more than 0.001.
  const budget = Number((1 - objective.share).toPrecision(12))
  return Number((badOf(counts, thresholds) / counts.requests / budget).toPrecision(12))
}

/** Returns when the failures that last until now began. */
export function failuresSince(
  minutes: readonly Minute[],
  older: Run | undefined,
  level: 'degraded' | 'failing',
  thresholds: Thresholds,
): number | undefined {
  let since: number | undefined
  for (const minute of minutes.toReversed()) {
    const first = firstBadAt(minute)
    if (first === undefined) continue
    const last = Math.max(minute.lastFailureAt ?? 0, first)
    const isApart = since !== undefined && since - last > PAUSE_MS_MAX
    if (isApart) return since
    if (!isTrouble(minute, level, thresholds) && since !== undefined) {
      const beganShortlyBefore = first >= minute.at + PAUSE_MS_MAX - RUN_UP_MS
      return beganShortlyBefore ? first : since
    }
    since = first
  }
  const continues = older !== undefined && since !== undefined && since - older.lastAt <= PAUSE_MS_MAX
  return continues ? older.since : since
}

function isTrouble(minute: Minute, level: 'degraded' | 'failing', thresholds: Thresholds): boolean {
  const bad = badOf(minute, thresholds)
  if (level === 'degraded') return bad > 0 && !isNegligible(bad, minute, thresholds)
  return bad > 0 && bad >= minute.requests * thresholds.failingShare
}

function badOf({ failures, slow }: Counts, { objective }: Thresholds): number {
  return objective?.latencyMs === undefined ? failures : failures + slow
}

function firstBadAt({ firstFailureAt, slow, firstBadAt: first }: Minute): number | undefined {
  if (slow === 0 || first === undefined) return firstFailureAt
  return Math.min(first, firstFailureAt ?? first)
}
