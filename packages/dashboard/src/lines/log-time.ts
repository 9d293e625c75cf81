/** A point in time of a log. */
export interface Instant {
  /** Milliseconds since 1970. */
  readonly at: number
  /** The text had no zone: it was read as the time of this machine. */
  readonly isLocal: boolean
}

/**
 * The time that a log's field means: text that a date can be read from, or a number of seconds, milliseconds,
 * microseconds or nanoseconds since 1970, told apart by magnitude. Undefined for anything else.
 */
export function instantOf(value: unknown): Instant | undefined {
  if (typeof value === 'number') return ofNumber(value)
  if (typeof value !== 'string' || value === '' || value.length > 64) return undefined
  if (/^\d{10,19}(\.\d+)?$/.test(value)) return ofNumber(Number(value))
  let at = Date.parse(value)
  // `2026-11-23 03:10:11,123`, as Python's logging writes it.
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
