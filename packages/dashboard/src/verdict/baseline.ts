import type { Counts, Minute } from './situation.ts'
import type { Thresholds } from './thresholds.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** Something that is compared with its own past. */
export interface Measure {
  /** Returns the value of a span of time; undefined when it has too few requests to say anything. */
  readonly valueOf: (counts: Counts, thresholds: Thresholds) => number | undefined
  /** Returns what a minute contributes to the baseline; undefined for nothing. */
  readonly usualOf: (minute: Counts) => number | undefined
  readonly floor: (thresholds: Thresholds) => number
  /** The limit without a baseline. */
  readonly max: (thresholds: Thresholds) => number
  /** The limit with a baseline. */
  readonly limit: (usual: number, thresholds: Thresholds) => number
}

/** The share of 4xx answers. */
export const CLIENT_SHARE: Measure = {
  valueOf: ({ requests, clientErrors }, { sampleRequests }) =>
    clientErrors < sampleRequests ? undefined : clientErrors / requests,
  usualOf: ({ requests, clientErrors }) => clientErrors / requests,
  floor: ({ clientFloor }) => clientFloor,
  max: ({ clientMax }) => clientMax,
  // No share is three times one third. So there is also a limit to how rare other answers may become.
  limit: (usual, { baselineFactor }) => Math.min(usual * baselineFactor, 1 - (1 - usual) / baselineFactor),
}

/** The 95th percentile of the latency. */
export const LATENCY: Measure = {
  valueOf: ({ requests, p95Ms }, { sampleRequests }) =>
    requests < sampleRequests || p95Ms === null ? undefined : p95Ms,
  usualOf: ({ p95Ms }) => p95Ms ?? undefined,
  floor: ({ latencyFloorMs }) => latencyFloorMs,
  max: ({ latencyMaxMs }) => latencyMaxMs,
  limit: (usual, { baselineFactor }) => usual * baselineFactor,
}

/** The result of a comparison: undefined when the value is normal, else when the trouble began. */
export type Trouble = { readonly since: number } | undefined

/**
 * Compares the last 60 seconds with the hour before.
 *
 * The baseline is the median minute of the hour. A minute that was already unusual does not become part of the baseline, so
 * that trouble does not turn into the normal case while it lasts. Nor does a minute above the limits without a baseline: a
 * service that answers everything with 401 is not healthy because it always does.
 */
export function compare(
  measure: Measure,
  window: Counts,
  windowStart: number,
  minutes: readonly Minute[],
  thresholds: Thresholds,
): Trouble {
  const value = measure.valueOf(window, thresholds)
  const normal: Minute[] = []
  let since: number | undefined
  for (const minute of minutes) {
    const isBefore = minute.at + MINUTE_MS <= windowStart
    const isNormal = isUsual(measure, measure.valueOf(minute, thresholds), normal, minute.at, thresholds)
    if (isNormal && isBefore) {
      normal.push(minute)
      since = undefined
    } else if (!isNormal) since ??= minute.firstAt
  }
  if (isUsual(measure, value, normal, windowStart, thresholds)) return undefined
  return {
    since: since ?? Math.max(windowStart, minutes.findLast(({ requests }) => requests > 0)?.firstAt ?? windowStart),
  }
}

/** Returns how many requests 60 seconds usually have; undefined without a baseline. */
export function expectedRequests(
  minutes: readonly Minute[],
  lastRequestAt: number,
  { baselineRequests }: Thresholds,
): number | undefined {
  const within = minutes.filter(({ at, requests }) => requests > 0 && at > lastRequestAt - HOUR_MS)
  const requests = within.reduce((sum, minute) => sum + minute.requests, 0)
  const first = within[0]?.firstAt
  if (first === undefined || requests < baselineRequests) return undefined
  return (requests * MINUTE_MS) / Math.max(MINUTE_MS, lastRequestAt - first)
}

function isUsual(
  measure: Measure,
  value: number | undefined,
  normal: readonly Minute[],
  before: number,
  thresholds: Thresholds,
): boolean {
  if (value === undefined || value <= Math.min(measure.floor(thresholds), measure.max(thresholds))) return true
  const usual = medianOf(measure, normal, before, thresholds)
  if (usual === undefined) return value <= measure.max(thresholds)
  return value <= measure.floor(thresholds) || value <= measure.limit(usual, thresholds)
}

/** The median of the minutes, each with the weight of its requests; undefined with too few requests. */
function medianOf(
  measure: Measure,
  normal: readonly Minute[],
  before: number,
  thresholds: Thresholds,
): number | undefined {
  const values: { readonly value: number; readonly weight: number }[] = []
  let weight = 0
  for (const minute of normal) {
    const value = minute.at < before - HOUR_MS || minute.requests === 0 ? undefined : measure.usualOf(minute)
    if (value === undefined) continue
    weight += minute.requests
    values.push({ value, weight: minute.requests })
  }
  if (weight < thresholds.baselineRequests) return undefined
  values.sort((a, b) => a.value - b.value)
  let seen = 0
  for (const entry of values) {
    seen += entry.weight
    if (seen * 2 >= weight) return entry.value
  }
  return undefined
}
