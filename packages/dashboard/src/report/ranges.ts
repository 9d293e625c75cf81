/** The ranges of time that the page offers, in seconds, each with the time that one column of its charts covers. */
export const RANGES: ReadonlyMap<number, number> = new Map([
  [300, 2],
  [900, 5],
  [3_600, 20],
  [21_600, 120],
  [86_400, 600],
  [604_800, 3_600],
])

/** The range when nobody asks for another. */
export const DEFAULT_RANGE_S = 900
