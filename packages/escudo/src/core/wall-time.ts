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
    const date = new Date(ms + Date.now() - clock.now())
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
