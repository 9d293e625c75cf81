import type { Formats } from '../text/format.ts'

const HOUR_MS = 3_600_000

/** Whether two times are on the same day, where the reader is. */
export function isSameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString()
}

/** Labels moments of an axis. Where the axis passes midnight, the first moment of each day has its date below. */
export function axisLabels(times: readonly number[], from: number, to: number, format: Formats): readonly string[] {
  const crosses = !isSameDay(from, to - 1)
  return times.map((at, index) => {
    const clock = to - from > HOUR_MS ? format.clock(at).slice(0, 5) : format.clock(at)
    const previous = times[index - 1]
    if (!crosses || (previous !== undefined && isSameDay(previous, at))) return clock
    // An axis of days: each label is a midnight.
    const isMidnight = new Date(at).getHours() === 0 && new Date(at).getMinutes() === 0
    return to - from > 72 * HOUR_MS && isMidnight ? format.date(at) : `${clock}\n${format.date(at)}`
  })
}

/** A moment of a range: with its date where the range passes midnight. */
export function momentLabel(at: number, from: number, to: number, format: Formats): string {
  return isSameDay(from, to - 1) ? format.clock(at) : `${format.date(at)}, ${format.clock(at)}`
}
