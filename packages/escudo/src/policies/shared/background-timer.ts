import type { CancelTimer, Clock } from '../../core/clock.ts'
import { withAmbient } from '../../core/context/ambient.ts'
import { outsideFlights } from './flight/flight.ts'

/**
 * Sets a timer that belongs to no call. It does not keep the process alive, and `fire` runs outside the request and the
 * flight that set it.
 */
export function backgroundTimer(clock: Clock, fire: () => void, delayMs: number): CancelTimer {
  return withAmbient(undefined, () => outsideFlights(() => clock.setTimer(fire, delayMs, { background: true })))
}
