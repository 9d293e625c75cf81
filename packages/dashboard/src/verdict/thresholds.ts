/** A service level objective: the share of good answers, and how long a good answer may take. */
export interface Objective {
  /** Between 0 and 1, both excluded. */
  readonly share: number
  /** Undefined when only failures count. */
  readonly latencyMs: number | undefined
}

/** The limits between the states. */
export interface Thresholds {
  /** At least this share of failures is failing, if there are `failingCount` of them. */
  readonly failingShare: number
  readonly failingCount: number
  /** At least this share of failures is failing, if there are `failingHalfRequests` requests. */
  readonly failingHalf: number
  readonly failingHalfRequests: number
  /** A smaller share of failures is healthy. */
  readonly healthyShare: number
  /** A baseline needs this many requests. */
  readonly baselineRequests: number
  /** More than this many times the baseline is degraded, above a floor. */
  readonly baselineFactor: number
  readonly latencyFloorMs: number
  readonly clientFloor: number
  /** Without a baseline, more than this is degraded. */
  readonly latencyMaxMs: number
  readonly clientMax: number
  /** 4xx shares and latencies of fewer requests say nothing. */
  readonly sampleRequests: number
  /** A service is silent if at least this many requests were expected. */
  readonly silentRequests: number
  /** A file whose last line is older is judged at the moment of that line. */
  readonly oldAfterMs: number
  /** A start counts as a restart if the service wrote a line at most this long before. */
  readonly restartWithinMs: number
  /** With an objective, a burn rate of at least this is failing: the fast rate of Google's SRE workbook. */
  readonly burnFailing: number
  readonly objective: Objective | undefined
}

/** The default limits. */
export const DEFAULT_THRESHOLDS: Thresholds = {
  failingShare: 0.05,
  failingCount: 5,
  failingHalf: 0.5,
  failingHalfRequests: 2,
  healthyShare: 0.001,
  baselineRequests: 100,
  baselineFactor: 3,
  latencyFloorMs: 500,
  clientFloor: 0.2,
  latencyMaxMs: 5_000,
  clientMax: 0.5,
  sampleRequests: 2,
  silentRequests: 10,
  oldAfterMs: 900_000,
  restartWithinMs: 300_000,
  burnFailing: 14.4,
  objective: undefined,
}

/** Reads the value of a limit; undefined for an invalid one. */
const READERS = { share: shareOf, count: countOf, duration: durationOf, factor: factorOf }

/** The limits that `--threshold NAME=VALUE` sets, by the kind of their value. */
const SETTABLE: Readonly<Record<keyof typeof READERS, readonly (keyof Thresholds)[]>> = {
  share: ['failingShare', 'healthyShare', 'clientFloor', 'clientMax'],
  count: ['failingCount', 'baselineRequests', 'silentRequests'],
  duration: ['latencyFloorMs', 'latencyMaxMs', 'oldAfterMs'],
  factor: ['baselineFactor', 'burnFailing'],
}

/** Each of them by its name: `latencyFloorMs` is set by `latency-floor`. */
const BY_NAME: ReadonlyMap<string, readonly [key: keyof Thresholds, kind: keyof typeof READERS]> = new Map(
  (Object.keys(SETTABLE) as (keyof typeof READERS)[]).flatMap((kind) =>
    SETTABLE[kind].map((key) => [nameOf(key), [key, kind]]),
  ),
)

/** The names that `--threshold` takes. */
export const THRESHOLD_NAMES: readonly string[] = [...BY_NAME.keys()].sort()

/** Reads `failing-share=10%`; undefined for an unknown name or an invalid value. */
export function thresholdOf(text: string): Partial<Thresholds> | undefined {
  const [name = '', value = ''] = text.split('=', 2)
  const known = BY_NAME.get(name)
  if (known === undefined) return undefined
  const [key, kind] = known
  const read = READERS[kind](value)
  return read === undefined ? undefined : { [key]: read }
}

function nameOf(key: keyof Thresholds): string {
  return key.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Reads `99.9` or `99.9,300ms`; undefined for anything else. */
export function objectiveOf(text: string): Objective | undefined {
  const [share = '', latency, ...rest] = text.split(',')
  const percent = numberOf(share.replace(/%$/, ''))
  if (percent === undefined || percent <= 0 || percent >= 100 || rest.length > 0) return undefined
  // 99.9 / 100 is slightly more than 0.999.
  const good = Number((percent / 100).toPrecision(12))
  if (latency === undefined) return { share: good, latencyMs: undefined }
  const latencyMs = durationOf(latency)
  return latencyMs === undefined ? undefined : { share: good, latencyMs }
}

function numberOf(text: string): number | undefined {
  return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined
}

function shareOf(text: string): number | undefined {
  const value = text.endsWith('%') ? numberOf(text.slice(0, -1)) : undefined
  return value === undefined || value > 100 ? undefined : value / 100
}

function countOf(text: string): number | undefined {
  const value = numberOf(text)
  return value !== undefined && Number.isInteger(value) && value >= 1 ? value : undefined
}

function factorOf(text: string): number | undefined {
  const value = numberOf(text)
  return value !== undefined && value >= 1 ? value : undefined
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 }

function durationOf(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|min|m|h)$/.exec(text)
  const value = match === null ? 0 : Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0)
  return value > 0 ? value : undefined
}
