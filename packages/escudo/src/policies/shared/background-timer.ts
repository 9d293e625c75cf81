import type { CancelTimer, Clock } from '../../core/clock.ts'
import { withAmbient } from '../../core/context/ambient.ts'
import { outsideFlights } from './flight/flight.ts'

/**
 * A timer that nobody waits for: it holds no process alive, and what it calls runs outside of the request, and of the
 * flight, that happened to set it.
 */
export function backgroundTimer(clock: Clock, fire: () => void, delayMs: number): CancelTimer {
  return withAmbient(undefined, () => outsideFlights(() => clock.setTimer(fire, delayMs, { background: true })))
}
