import { type Clock, systemClock } from './clock.ts'

// Instants are on the clock of a shield, which starts at any value and never jumps. Beside them, people need the time of
// day. A custom clock has none.

const NAMES = { at: 'time', startedAt: 'startedTime', openedAt: 'openedTime', retryAt: 'retryTime' } as const

/** Adds the time of day (ISO 8601, UTC) beside each instant, if the clock is the system's: `openedTime` beside `openedAt`. */
export function withTimes<T extends object>(facts: T, clock: Clock): T {
  if (clock !== systemClock) return facts
  const timed = { ...facts } as Record<string, unknown>
  const offsetMs = Date.now() - clock.now()
  for (const [instant, time] of Object.entries(NAMES)) {
    const date = new Date(Number(timed[instant]) + offsetMs)
    // NaN if there is no such instant, or if it is beyond all dates.
    if (!Number.isNaN(date.getTime())) timed[time] = date.toISOString()
  }
  const { lastFailure } = timed
  if (typeof lastFailure === 'object' && lastFailure !== null) timed['lastFailure'] = withTimes(lastFailure, clock)
  return timed as T
}
