/** A unit of a duration, as the command line names it. */
export type Unit = 'ns' | 'us' | 'ms' | 's'

/** Milliseconds per unit. */
export const MS_PER: Readonly<Record<Unit, number>> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1_000 }

const STEMS: readonly string[] = [
  'latency',
  'duration',
  'elapsed',
  'elapsed_time',
  'response_time',
  'request_time',
  'request_duration',
  'response_duration',
  'processing_time',
  'execution_time',
  'total_time',
  'time_taken',
  'took',
  'dur',
  'rt',
]
const SUFFIXES: Readonly<Record<Unit, readonly string[]>> = {
  ns: ['ns', 'nanos', 'nanoseconds', 'nsec'],
  us: ['us', 'µs', 'micros', 'microseconds', 'usec'],
  ms: ['ms', 'millis', 'milliseconds', 'msec', 'msecs'],
  s: ['s', 'sec', 'secs', 'seconds'],
}

/** Names of durations that do not tell their unit. */
export const BARE_NAMES: ReadonlySet<string> = new Set(
  STEMS.flatMap((stem) => [stem, camel(stem), pascal(stem)]).filter((name) => name !== 'rt'),
)

/** The unit of each name that tells it, such as `latency_ms` or `elapsedMillis`. */
export const UNIT_BY_NAME: ReadonlyMap<string, Unit> = new Map(
  STEMS.flatMap((stem) =>
    (Object.keys(SUFFIXES) as Unit[]).flatMap((unit) =>
      SUFFIXES[unit].flatMap((suffix) => {
        const end = suffix.charAt(0).toUpperCase() + suffix.slice(1)
        return [`${stem}_${suffix}`, camel(stem) + end, pascal(stem) + end].map((name) => [name, unit] as const)
      }),
    ),
  ),
)

/** Whether a text is a unit that the command line accepts. */
export function isUnit(text: string): text is Unit {
  return Object.hasOwn(MS_PER, text)
}

const PARTS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  sec: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
}
const WRITTEN = /^(?:\d+(?:\.\d+)? ?(?:ns|us|µs|μs|ms|sec|s|min|m|h) ?){1,4}$/
const PART = /(\d+(?:\.\d+)?) ?([a-zµμ]+)/g
const CLOCK = /^(?:(\d{1,2})\.)?(\d{1,2}):(\d\d):(\d\d(?:\.\d{1,9})?)$/

/** Returns the milliseconds of a duration that is written with its unit: `21ms`, `1m2.5s`, or `00:00:00.0125`. */
export function writtenMs(text: string): number | undefined {
  if (text.length > 32) return undefined
  const value = text.trim()
  if (WRITTEN.test(value)) {
    let ms = 0
    for (const [, number, unit] of value.matchAll(PART)) ms += Number(number) * (PARTS[unit ?? ''] ?? Number.NaN)
    return Number.isFinite(ms) ? ms : undefined
  }
  const clock = CLOCK.exec(value)
  if (clock === null) return undefined
  const [, days = '0', hours, minutes, seconds] = clock
  return (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000
}

function camel(stem: string): string {
  return stem.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}

function pascal(stem: string): string {
  const name = camel(stem)
  return name.charAt(0).toUpperCase() + name.slice(1)
}
