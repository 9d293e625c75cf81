import type { BreakerSettings, RampSettings } from './settings.ts'

/**
 * A ramp in progress: after a recovery, traffic returns in steps.
 *
 * It depends only on the time since its start. Before its start (if the clock goes back) it is in its first step.
 */
export class Ramp {
  readonly #settings: RampSettings
  readonly startedMs: number

  constructor(settings: RampSettings, startedMs: number) {
    this.#settings = settings
    this.startedMs = startedMs
  }

  /** The share of calls to let through; 1 once the ramp is over. */
  shareAt(now: number): number {
    return this.#settings.steps[this.#stepAt(now)] ?? 1
  }

  /** The time until the next step, which lets more calls through. */
  nextStepInMs(now: number): number {
    return Math.max(0, this.startedMs + (this.#stepAt(now) + 1) * this.#settings.eachMs - now)
  }

  /** Whether all steps are over. */
  isOver(now: number): boolean {
    return this.#stepAt(now) >= this.#settings.steps.length
  }

  /** The index of the current step, from 0. */
  #stepAt(now: number): number {
    return Math.max(0, Math.floor((now - this.startedMs) / this.#settings.eachMs))
  }
}

/** The ramp of a circuit that has recovered at an instant; undefined without a ramp, and under `observe`. */
export function rampFrom({ ramp, mode }: BreakerSettings, startedMs: number): Ramp | undefined {
  return ramp !== undefined && mode === 'enforce' ? new Ramp(ramp, startedMs) : undefined
}
