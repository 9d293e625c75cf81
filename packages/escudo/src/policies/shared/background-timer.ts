import type { CancelTimer, Clock } from '../../core/clock.ts'
import { withAmbient } from '../../core/context/ambient.ts'
import { outsideCalls } from './enclosures.ts'

/**
 * Sets a timer that belongs to no call. It does not keep the process alive, and `fire` runs outside the request, the
 * flight and the call that set it.
 */
export function backgroundTimer(clock: Clock, fire: () => void, delayMs: number): CancelTimer {
  return withAmbient(undefined, () => outsideCalls(() => clock.setTimer(fire, delayMs, { background: true })))
}
