// A day: whoever says more has made a mistake, and retries have a bound of their own.
const LONGEST_MS = 86_400_000
const SECONDS = /^\d+(?:\.\d+)?$/
// `Date.parse` reads nearly anything as some date, `-1` included; an HTTP date begins with the day of the week.
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/

/**
 * Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or an HTTP date.
 *
 * A date is compared with the response's own `Date` where it has one, so that clocks which disagree do no harm.
 *
 * @param headers the response's
 * @param wallClockMs milliseconds since 1970, for a response without a date
 * @returns milliseconds from now, from 0 to one day; undefined when the header is absent or says nothing that makes sense
 */
export function retryAfterMs(headers: Headers, wallClockMs: number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (value === undefined || value.length > 64) return undefined
  if (SECONDS.test(value)) return Math.min(Number(value) * 1_000, LONGEST_MS)
  const dueMs = dateMs(value)
  if (dueMs === undefined) return undefined
  const nowMs = dateMs(headers.get('date') ?? '') ?? wallClockMs
  return Math.min(Math.max(0, dueMs - nowMs), LONGEST_MS)
}

function dateMs(value: string): number | undefined {
  if (!HTTP_DATE.test(value)) return undefined
  const ms = Date.parse(value)
  return Number.isNaN(ms) ? undefined : ms
}
