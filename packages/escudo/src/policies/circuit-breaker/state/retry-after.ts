import type { OpenPeriod } from './open-period.ts'
import { Ramp } from './ramp.ts'
import { type OpenPeriodSettings, openForMs } from './settings.ts'

// The members of a fleet hear of its decisions within a second.
const HELD_HINT_MS = 1_000

/**
 * How long a caller should wait that a circuit rejects.
 *
 * While open: the rest of the open period, and at least a second if a fleet ends it. While half-open: until the lease of
 * a probe ends, or the next open period, whichever is shorter. During a ramp: until its next step; undefined after its last one.
 *
 * @param nextChangeMs when the state next changes; now if no change depends on time
 */
export function hintMs(
  phase: OpenPeriod | Ramp,
  nextChangeMs: number,
  settings: OpenPeriodSettings,
  now: number,
): number | undefined {
  if (phase instanceof Ramp) return phase.isOver(now) ? undefined : phase.nextStepInMs(now)
  if (phase.trial === undefined) return Math.max(phase.isHeld ? HELD_HINT_MS : 0, phase.openUntilMs - now)
  // A lease that ends frees a permit. A probe that fails may open the circuit again immediately. How long a computed
  // open period will be is not known before: the last one is the best guess.
  const nextMs = settings.lengthMs === undefined ? openForMs(settings, phase.opening + 1) : phase.lengthMs
  return Math.max(0, Math.min(nextChangeMs - now, nextMs))
}
