import { httpDateMs } from './http-date.ts'

// One day. A longer delay is a mistake of the server, and retries have their own limit.
const DELAY_MS_MAX = 86_400_000
const SECONDS = /^\d+$/

/**
 * Reads `Retry-After` (RFC 9110, 10.2.3): whole seconds, or an HTTP date.
 *
 * A date is compared with the response's own `Date` if it has one, so that a difference between the clocks does not
 * matter.
 *
 * @param headers the response's headers
 * @param wallClockMs milliseconds since 1970, for a response without a date
 * @returns milliseconds from now, from 0 to one day; undefined if the header is absent or invalid
 */
export function retryAfterMs(headers: Pick<Headers, 'get'>, wallClockMs: number): number | undefined {
  const value = headers.get('retry-after')
  if (value === null) return undefined
  return delayMs(value, httpDateMs(headers.get('date') ?? '', wallClockMs) ?? wallClockMs)
}

/**
 * Reads the value of a `Retry-After` header.
 *
 * @param nowMs milliseconds since 1970, from which a date counts
 * @returns milliseconds, from 0 to one day; undefined if the value is invalid
 */
export function delayMs(value: string, nowMs: number): number | undefined {
  if (value.length > 64) return undefined
  if (SECONDS.test(value)) return Math.min(Number(value) * 1_000, DELAY_MS_MAX)
  const dueMs = httpDateMs(value, nowMs)
  return dueMs === undefined ? undefined : Math.min(Math.max(0, dueMs - nowMs), DELAY_MS_MAX)
}
