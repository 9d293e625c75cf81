import type { RampSettings } from './settings.ts'

// A ramp is an instant, that of its beginning, and time. A clock that goes back stays in the first step.

/** The share of calls to be let through; 1 as soon as the ramp is over. */
export function shareAt(ramp: RampSettings, startedMs: number, now: number): number {
  return ramp.steps[stepAt(ramp, startedMs, now)] ?? 1
}

/** How long it is until the next step, from which on more calls are let through. */
export function nextStepInMs(ramp: RampSettings, startedMs: number, now: number): number {
  return Math.max(0, startedMs + (stepAt(ramp, startedMs, now) + 1) * ramp.eachMs - now)
}

/** Whether all steps are over. */
export function isOver(ramp: RampSettings, startedMs: number, now: number): boolean {
  return stepAt(ramp, startedMs, now) >= ramp.steps.length
}

function stepAt({ eachMs }: RampSettings, startedMs: number, now: number): number {
  return Math.max(0, Math.floor((now - startedMs) / eachMs))
}
