import { ConfigurationError } from './configuration-error.ts'

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
    const least = minMs > 0 ? ` of at least ${minMs} ms` : ''
    throw new ConfigurationError(
      path,
      `expected a duration${least} ('250ms', '2s', '5m', '1h', or a number of milliseconds), got ${show(value)}`,
    )
  }
  return ms
}

function parse(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  const match = PATTERN.exec(value)
  if (match === null) return undefined
  return Number(match[1]) * (MS_PER_UNIT[match[2] as string] as number)
}

/** Formats a value for a message. Text is truncated to 40 characters, and the content of objects is not shown. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return String(value)
}
