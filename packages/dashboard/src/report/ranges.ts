/** The ranges that the page offers, each with the width of one chart column. Both are in seconds. */
export const RANGES: ReadonlyMap<number, number> = new Map([
  [300, 2],
  [900, 5],
  [3_600, 20],
  [21_600, 120],
  [86_400, 600],
  [604_800, 3_600],
])

/** The default range. */
export const DEFAULT_RANGE_S = 900
