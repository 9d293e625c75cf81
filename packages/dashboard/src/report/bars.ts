/** The bars of a trend over a range. */
export interface Bars {
  readonly count: number
  /** How long each is, and when the first one begins: at or before the range. */
  readonly widthMs: number
  readonly startsAt: number
  /** Returns the bar of a moment in the range. */
  readonly of: (at: number) => number
}

/**
 * Puts the columns of a range together in bars, `most` at most.
 *
 * Each bar has the same number of whole columns: one with more of them would be higher, without more requests per second.
 * Where the columns cannot be divided so, the oldest bar has fewer.
 */
export function barsOf(
  { from, to, stepMs }: { readonly from: number; readonly to: number; readonly stepMs: number },
  most: number,
): Bars {
  const columns = Math.max(1, Math.round((to - from) / stepMs))
  const least = Math.ceil(columns / most)
  let each = least
  while (columns % each !== 0 && each < 2 * least) each += 1
  if (columns % each !== 0) each = least
  const count = Math.ceil(columns / each)
  const missing = count * each - columns
  return {
    count,
    widthMs: each * stepMs,
    startsAt: from - missing * stepMs,
    of: (at) => Math.min(count - 1, Math.max(0, Math.floor((Math.floor((at - from) / stepMs) + missing) / each))),
  }
}
