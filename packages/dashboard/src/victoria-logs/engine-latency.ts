import { LOG_GROWTH, SHORTEST_MS } from '../counts/latency-histogram.ts'
import { LATENCY_MS_MAX } from '../lines/durations/unit-judge.ts'
import type { EngineFields } from './engine-fields.ts'
import { quoted } from './logsql.ts'

/** The name of the bucket in rows. */
export const BUCKET = '_b'
/** The name of the latency in milliseconds, to be used after {@link latencyPipes}. */
export const LATENCY_MS = '_ms'

/** What files read as a number that is not negative. */
const NUMBER = '^(?:-0(?:[.]0+)?|[0-9]+(?:[.][0-9]+)?(?:[eE](?:-[0-9]+|[+]?[0-9]{1,2}))?)$'
/** Columns of these types have no other text. Their values need not be compared one by one. */
const UNSIGNED = ['uint8', 'uint16', 'uint32', 'uint64']
const SIGNED = ['int64', 'float64']

/**
 * Returns the filter for requests with a valid latency, as files read it.
 *
 * The engine itself takes `21ms`, `10KB`, `1.2.3.4` and a date for numbers, and a dash for 0.
 */
export function validLatency({ latency, isLatencyDeclared, latencyFactor }: EngineFields): string {
  const of = (types: readonly string[]): string => types.map((type) => `${latency}:value_type(${type})`).join(' or ')
  const valid = `(${of(UNSIGNED)} or ((${of(SIGNED)}) ${latency}:>=0) or ${latency}:~${quoted(NUMBER)})`
  return isLatencyDeclared ? `(${latency}:<=${LATENCY_MS_MAX / latencyFactor} ${valid})` : valid
}

/** Returns the pipe that removes invalid latencies. After it, `count` and `histogram` of the latency see the valid ones only. */
export function validLatencyPipe(fields: EngineFields): string {
  return `format if (!${validLatency(fields)}) "" as ${fields.latency}`
}

/**
 * Returns the pipes that remove invalid latencies, and compute the milliseconds of the others and their bucket.
 *
 * The buckets are those of the histograms of this page, so that percentiles are the same. `width` is how many buckets
 * count as one. Without a latency the bucket is that of 0.
 */
export function latencyPipes(fields: EngineFields, width: number = 1): string {
  const { latency, latencyFactor } = fields
  // A sum does not take numbers with an exponent; a computed number has none.
  return (
    `${validLatencyPipe(fields)} | math ${latency} * ${latencyFactor} as ${LATENCY_MS}, ` +
    `max(floor(ln(${LATENCY_MS} / ${SHORTEST_MS}) / ${LOG_GROWTH * width}), -1) as ${BUCKET}`
  )
}

/** Returns the filter for requests that took longer than a time. */
export function slowerThan(fields: EngineFields, ms: number): string {
  return `(${fields.latency}:>${ms / fields.latencyFactor} ${validLatency(fields)})`
}

/** Returns the bucket of a row, in the middle of those that count as one. */
export function bucketOf(text: string | undefined, width: number = 1): number {
  const bucket = Number(text)
  if (!Number.isFinite(bucket) || bucket < 0) return -1
  return width === 1 ? bucket : bucket * width + Math.floor(width / 2)
}
