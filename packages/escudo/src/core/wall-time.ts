import { type Clock, systemClock } from './clock.ts'

// Instants are on the clock of a shield, which starts at any value and never jumps. Beside them, people need the time of
// day. A custom clock has none.

const NAMES = [
  ['at', 'time'],
  ['startedAt', 'startedTime'],
  ['openedAt', 'openedTime'],
  ['retryAt', 'retryTime'],
] as const

/** Adds the time of day (ISO 8601, UTC) beside each instant, if the clock is the system's: `openedTime` beside `openedAt`. */
export function withTimes<T extends object>(facts: T, clock: Clock): T {
  if (clock !== systemClock) return facts
  const given = facts as Readonly<Record<string, unknown>>
  const { at, startedAt, openedAt, retryAt, lastFailure } = given
  // A scrape reads the status of every shield, and most policies have no instant.
  if ((at ?? startedAt ?? openedAt ?? retryAt ?? lastFailure) === undefined) return facts
  let timed: Record<string, unknown> | undefined
  for (const [instant, time] of NAMES) {
    const ms = given[instant]
    if (typeof ms !== 'number') continue
    const date = new Date(ms + offsetOf(clock))
    // NaN if it is beyond all dates.
    if (Number.isNaN(date.getTime())) continue
    timed ??= { ...given }
    timed[time] = date.toISOString()
  }
  if (typeof lastFailure === 'object' && lastFailure !== null) {
    timed ??= { ...given }
    timed['lastFailure'] = withTimes(lastFailure, clock)
  }
  return (timed ?? facts) as T
}

// `Date.now()` has whole milliseconds, so the offset that is measured varies by one. If it were used as it is, one instant
// would have two times, and a status that is read twice would seem to have changed.
const JITTER_MS = 2
const TRIES_MAX = 3
let knownOffsetMs = Number.NaN

/** How much the time of day is ahead of a clock. Changes when the time of day is set. */
function offsetOf(clock: Clock): number {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const before = clock.now()
    const offsetMs = Date.now() - before
    if (Math.abs(offsetMs - knownOffsetMs) <= JITTER_MS) break
    // The process may have been suspended between the two readings.
    if (clock.now() - before >= 1 && tries + 1 < TRIES_MAX) continue
    knownOffsetMs = offsetMs
    break
  }
  return knownOffsetMs
}
