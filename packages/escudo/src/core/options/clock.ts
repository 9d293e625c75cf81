import { synchronous } from '../../errors/options/synchronous.ts'
import type { Clock } from '../clock.ts'
import { ConfigurationError } from './configuration-error.ts'
import { show } from './durations.ts'

/**
 * Returns the clock if it has the methods of one and its `now` returns a number.
 *
 * @throws ConfigurationError for anything else
 */
export function checkedClock(clock: Clock, path: string): Clock {
  if (typeof clock?.now !== 'function' || typeof clock.setTimer !== 'function') {
    throw new ConfigurationError(path, `expected a clock with now() and setTimer(), got ${show(clock)}`)
  }
  const now: unknown = synchronous(clock.now(), `${path}.now`)
  if (typeof now === 'number' && !Number.isNaN(now)) return clock
  throw new ConfigurationError(`${path}.now`, `expected a number of milliseconds, but it returned ${show(now)}`)
}
