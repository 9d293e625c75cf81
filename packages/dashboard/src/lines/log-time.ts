/** A point in time read from a log. */
export interface Instant {
  /** Milliseconds since 1970. */
  readonly at: number
  /** The text had no zone and was read as local time. */
  readonly isLocal: boolean
}

/**
 * Parses the time in a log field; undefined for anything else.
 *
 * It accepts a date as text, or a number since 1970. The magnitude of a number decides its unit: seconds, milliseconds,
 * microseconds or nanoseconds.
 */
export function instantOf(value: unknown): Instant | undefined {
  if (typeof value === 'number') return ofNumber(value)
  if (typeof value !== 'string' || value === '' || value.length > 64) return undefined
  if (/^\d{10,19}(\.\d+)?$/.test(value)) return ofNumber(Number(value))
  let at = Date.parse(value)
  // `2026-11-23 03:10:11,123`, the format of Python's logging.
  if (Number.isNaN(at)) at = Date.parse(value.replace(',', '.'))
  if (Number.isNaN(at)) return undefined
  const isLocal = !value.endsWith('Z') && value.includes(':') && !/(?:[+-]\d\d:?\d\d|GMT|UTC)$/.test(value)
  return { at, isLocal }
}

function ofNumber(value: number): Instant | undefined {
  if (!Number.isFinite(value) || value <= 0) return undefined
  let at = value
  if (value < 1e11) at = value * 1_000
  else if (value >= 1e17) at = value / 1e6
  else if (value >= 1e14) at = value / 1e3
  return { at, isLocal: false }
}
