/** How long a process that died is left before it is started again. */
export const RESTART = {
  /** After the first death, and after a long life. */
  firstMs: 500,
  /** The most: each death soon after the last one doubles the delay up to here. */
  maxMs: 10_000,
  /** A process that lived this long was well: its next death is a first one again. */
  wellAfterMs: 30_000,
} as const

/**
 * The delay before the next start.
 *
 * @param previousMs the delay before the life that just ended; undefined for the first one
 * @param aliveMs how long that life was
 */
export function restartDelayMs(previousMs: number | undefined, aliveMs: number): number {
  if (previousMs === undefined || aliveMs >= RESTART.wellAfterMs) return RESTART.firstMs
  return Math.min(previousMs * 2, RESTART.maxMs)
}
