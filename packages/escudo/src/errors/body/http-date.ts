const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const SHORT_DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const LONG_DAY = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)'
const MONTH = `(?<month>${MONTHS.join('|')})`
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)'

// RFC 9110, 5.6.7. All forms are case-sensitive.
const FORMS = [
  // IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(`^${SHORT_DAY}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(`^${LONG_DAY}, (?<day>\\d\\d)-${MONTH}-(?<shortYear>\\d\\d) ${TIME} GMT$`),
  // asctime: Sun Nov  6 08:49:37 1994
  new RegExp(`^${SHORT_DAY} ${MONTH} (?<day>\\d\\d| \\d) ${TIME} (?<year>\\d{4})$`),
] as const

/**
 * Parses an HTTP date in one of the three forms of RFC 9110, 5.6.7. All are UTC.
 *
 * `Date.parse` is of no use here: it reads `Mon 1` as a date, and the form without `GMT` as local time.
 *
 * @param nowMs milliseconds since 1970; decides the century of a year with two digits
 * @returns milliseconds since 1970; undefined for anything else
 */
export function httpDateMs(text: string, nowMs: number): number | undefined {
  for (const form of FORMS) {
    const parts = form.exec(text)?.groups
    if (parts !== undefined) return instantOf(parts, nowMs)
  }
  return undefined
}

function instantOf(parts: Readonly<Record<string, string | undefined>>, nowMs: number): number | undefined {
  const { shortYear } = parts
  const year = shortYear === undefined ? Number(parts['year']) : fullYear(Number(shortYear), nowMs)
  const month = MONTHS.indexOf(parts['month'] as string)
  const day = Number(parts['day'])
  const [hour, minute, second] = [Number(parts['hour']), Number(parts['minute']), Number(parts['second'])]
  // 60 is a leap second.
  if (hour > 23 || minute > 59 || second > 60) return undefined
  // `Date.UTC` would read the years 0 to 99 as 1900 to 1999.
  const midnight = new Date(0)
  midnight.setUTCFullYear(year, month, day)
  // The month has no such day.
  if (midnight.getUTCMonth() !== month || midnight.getUTCDate() !== day) return undefined
  return midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1_000
}

/** The latest year with these last two digits that is at most 50 years in the future. */
function fullYear(shortYear: number, nowMs: number): number {
  const latest = new Date(nowMs).getUTCFullYear() + 50
  return latest - ((latest - shortYear) % 100)
}
