/** A point in time read from a log. */
export interface Instant {
  /** Milliseconds since 1970. */
  readonly at: number
  /** The text had no zone and was read as local time. */
  readonly isLocal: boolean
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAY_MS = 86_400_000
/** A smaller number of seconds is a duration or a counter: this is 1973. */
const SECONDS_MIN = 1e8

const CLOCK = '(\\d\\d):(\\d\\d)(?::(\\d\\d)(?:[.,](\\d{1,12}))?)?'
const ZONE = '(Z|UTC|GMT|[+-]\\d\\d(?::?\\d\\d)?)?(?: ?\\[([\\w/+-]{1,40})\\])?'
const ISO = new RegExp(`^(\\d{4})([-/])(\\d\\d)\\2(\\d\\d)(?:[T ](?:- )?${CLOCK} ?${ZONE})?$`, 'i')
const COMPACT = /^(\d{4})(\d\d)(\d\d)T?(\d\d)(\d\d)(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$/
const COMMON_LOG = new RegExp(`^(\\d{1,2})/([A-Za-z]{3})/(\\d{4}):${CLOCK}(?: ${ZONE})?$`)
const DAY_FIRST = new RegExp(`^(?:[A-Za-z]{3,9},? )?(\\d{1,2})[ -]([A-Za-z]{3})[a-z]*[ -](\\d{4}) ${CLOCK} ?${ZONE}$`)
const MONTH_FIRST = new RegExp(
  `^(?:[A-Za-z]{3} )?([A-Za-z]{3}) {1,2}(\\d{1,2}),?(?: (\\d{4}))? ${CLOCK}(?: ?(Z|UTC|GMT|[+-]\\d\\d:?\\d\\d))?(?: (\\d{4}))?$`,
)

/**
 * Parses the time in a log field; undefined for anything else.
 *
 * It accepts a number since 1970, whose magnitude decides its unit (seconds, milliseconds, microseconds or nanoseconds),
 * and the written forms of common loggers. A date whose order is not certain, such as `02/12/2026`, is no time. A syslog
 * date has no year: it gets the one of `writtenAt`, the last change of its file.
 */
export function instantOf(value: unknown, writtenAt: number = Date.now()): Instant | undefined {
  if (typeof value === 'number') return ofNumber(value)
  if (typeof value !== 'string' || value.length < 8 || value.length > 64) return undefined
  // The form of most logs has a fast path in the engine.
  if (value.length === 24 && value.charCodeAt(23) === 90 && value.charCodeAt(4) === 45) {
    const at = Date.parse(value)
    return Number.isNaN(at) ? undefined : { at, isLocal: false }
  }
  return ofText(value.trim(), writtenAt)
}

function ofText(value: string, writtenAt: number): Instant | undefined {
  const compact = COMPACT.exec(value)
  if (compact !== null) {
    const [, year, month, day, hour, minute, second, fraction, zone] = compact
    return instant(Number(year), Number(month), day, [hour, minute, second, fraction], zone)
  }
  if (/^\d{9,19}(?:\.\d{1,12})?$/.test(value)) return ofNumber(Number(value))
  const iso = ISO.exec(value)
  if (iso !== null) {
    const [, year, separator, month, day, hour, minute, second, fraction, zone, name] = iso
    if (separator === '/' && hour === undefined) return undefined
    // A date without a clock is midnight UTC, as in ECMAScript.
    const offset = zone ?? (hour === undefined || isUtc(name) ? 'Z' : undefined)
    return instant(Number(year), Number(month), day, [hour, minute, second, fraction], offset)
  }
  const clf = COMMON_LOG.exec(value) ?? DAY_FIRST.exec(value)
  if (clf !== null) {
    const [, day, month, year, hour, minute, second, fraction, zone, name] = clf
    return instant(
      Number(year),
      monthOf(month),
      day,
      [hour, minute, second, fraction],
      zone ?? (isUtc(name) ? 'Z' : undefined),
    )
  }
  const syslog = MONTH_FIRST.exec(value)
  if (syslog === null) return undefined
  const [, month, day, yearBefore, hour, minute, second, fraction, zone, yearAfter] = syslog
  const clock = [hour, minute, second, fraction] as const
  const year = yearBefore ?? yearAfter
  if (year !== undefined) return instant(Number(year), monthOf(month), day, clock, zone)
  const written = new Date(writtenAt).getFullYear()
  const found = instant(written, monthOf(month), day, clock, zone)
  // A line of December in a file last changed in January is of the year before; so is 29 February.
  return found !== undefined && found.at <= writtenAt + DAY_MS
    ? found
    : instant(written - 1, monthOf(month), day, clock, zone)
}

function instant(
  year: number,
  month: number,
  dayText: string | undefined,
  [hourText = '0', minuteText = '0', secondText = '0', fraction]: readonly (string | undefined)[],
  zone: string | undefined,
): Instant | undefined {
  const [day, hour, minute, second] = [Number(dayText), Number(hourText), Number(minuteText), Number(secondText)]
  if (month < 1 || month > 12 || day < 1 || hour > 24 || minute > 59 || second > 60) return undefined
  const ms = fraction === undefined ? 0 : Number(`0.${fraction}`) * 1_000
  const local = new Date(Date.UTC(year, month - 1, day))
  if (local.getUTCDate() !== day) return undefined
  const offset = offsetOf(zone)
  if (Number.isNaN(offset)) return undefined
  const clockMs = ((hour * 60 + minute) * 60 + second) * 1_000 + ms
  if (offset !== undefined) return { at: local.getTime() + clockMs - offset, isLocal: false }
  return { at: new Date(year, month - 1, day, hour, minute, second).getTime() + ms, isLocal: true }
}

/** Milliseconds east of UTC; undefined without a zone, NaN for an impossible one. */
function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined) return undefined
  if (/^[a-z]/i.test(zone)) return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(':', '') || '0')]
  if (hours > 18 || minutes > 59) return Number.NaN
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

function isUtc(name: string | undefined): boolean {
  return name === 'UTC' || name === 'Etc/UTC' || name === 'GMT' || name === 'Z'
}

function monthOf(name: string | undefined): number {
  return MONTHS.indexOf(name?.toLowerCase() ?? '') + 1
}

function ofNumber(value: number): Instant | undefined {
  if (!Number.isFinite(value) || value < SECONDS_MIN) return undefined
  let at = value
  if (value < 1e11) at = value * 1_000
  else if (value >= 1e17) at = value / 1e6
  else if (value >= 1e14) at = value / 1e3
  // The last instant of ECMAScript.
  return at > 8.64e15 ? undefined : { at, isLocal: false }
}
