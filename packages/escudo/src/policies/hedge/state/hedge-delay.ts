import type { LatencyQuantile } from './latency-quantile.ts'

/** How long a hedged call waits before its next attempt. */
export interface HedgeDelay {
  /** The delay without a quantile, or until the quantile has enough samples. */
  readonly initialMs: number
  readonly quantile: LatencyQuantile | undefined
  readonly samplesMin: number
}

/** The delay at this moment. */
export function hedgeDelayMs({ initialMs, quantile, samplesMin }: HedgeDelay, now: number): number {
  if (quantile === undefined || quantile.samples(now) < samplesMin) return initialMs
  return quantile.valueMs(now) ?? initialMs
}

const SAMPLES_MIN = 20
// In floating point 2 / (1 − 0.9) is a little more than 20, which would round up to 21.
const ROUNDING = 1e-6

/** How many samples a quantile needs. With fewer it would be close to the maximum. */
export function samplesMinOf(quantile: number): number {
  return Math.max(SAMPLES_MIN, Math.ceil(2 / (1 - quantile) - ROUNDING))
}
