import { show } from '../../errors/options/show.ts'
import { ConfigurationError } from './configuration-error.ts'

export { show } from '../../errors/options/show.ts'

/** A number of milliseconds, or a number with a unit: `'250ms'`, `'2s'`, `'5m'`, `'1h'`. */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h`

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/

/**
 * Converts a {@link Duration} to milliseconds.
 *
 * @param value the value of the option
 * @param path the path of the option, such as `retry.backoff.base`; the error's message begins with it
 * @param minMs the smallest valid value (default 0)
 * @throws ConfigurationError if the value is no finite duration of at least `minMs`
 */
export function toMs(value: unknown, path: string, minMs = 0): number {
  const ms = typeof value === 'number' ? value : parse(value)
  if (ms === undefined || !Number.isFinite(ms) || ms < minMs) {
    throw new ConfigurationError(
      path,
      `expected a duration${rangeFrom(minMs)} ('250ms', '2s', '5m', '1h', or a number of milliseconds), got ${show(value)}${hintFor(value)}`,
    )
  }
  return ms
}

/** Every finite number above 0 is at least `Number.MIN_VALUE`, which is no text for a reader. */
function rangeFrom(minMs: number): string {
  if (minMs <= 0) return ''
  return minMs === Number.MIN_VALUE ? ' of more than 0 ms' : ` of at least ${minMs} ms`
}

/** A number of milliseconds gets its unit. A number as text, as from an environment variable, gets a suggestion. */
function hintFor(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return ' ms'
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return `; write '${value}ms' or '${value}s'`
  return ''
}

function parse(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  const match = PATTERN.exec(value)
  if (match === null) return undefined
  return Number(match[1]) * (MS_PER_UNIT[match[2] as string] as number)
}
