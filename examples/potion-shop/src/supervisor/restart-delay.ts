/** The delays before a process that died is started again. */
const RESTART = {
  /** After the first exit, and after a long run. */
  firstMs: 500,
  /** The maximum: each early exit doubles the delay up to this value. */
  maxMs: 10_000,
  /** A run of at least this length resets the delay. */
  resetAfterMs: 30_000,
} as const

/**
 * Computes the delay before the next start.
 *
 * @param previousMs the delay before the run that just ended; undefined for the first run
 * @param aliveMs the length of that run
 */
export function restartDelayMs(previousMs: number | undefined, aliveMs: number): number {
  if (previousMs === undefined || aliveMs >= RESTART.resetAfterMs) return RESTART.firstMs
  return Math.min(previousMs * 2, RESTART.maxMs)
}
