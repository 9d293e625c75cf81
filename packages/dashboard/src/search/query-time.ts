const AGO_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DATE = /^\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:z|[+-]\d\d:\d\d)?)?$/

/**
 * Reads the time in a query: `15m` ago, `14:05` today, a date in ISO 8601, milliseconds since 1970. NaN for another one.
 *
 * A clock and a date without a zone are local time; a date without a clock is midnight UTC, as in ECMAScript.
 */
export function instantOfQuery(value: string, now: number): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(value) ?? []
  if (count !== undefined) return now - Number(count) * (AGO_MS[unit] ?? 0)
  const [clock, hour, minute, second = '0'] = /^(\d\d):(\d\d)(?::(\d\d))?$/.exec(value) ?? []
  if (clock !== undefined) {
    const [h, m, s] = [Number(hour), Number(minute), Number(second)]
    return h > 23 || m > 59 || s > 59 ? Number.NaN : new Date(now).setHours(h, m, s, 0)
  }
  if (/^\d{13}$/.test(value)) return Number(value)
  return DATE.test(value) ? Date.parse(value.toUpperCase()) : Number.NaN
}
