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

/** The widths of a chart column, in seconds, for a range that was chosen in a chart. */
export const ZOOM_STEPS_S: readonly number[] = [1, 2, 5, 10, 20, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400]

/** The shortest and the longest range that can be chosen in a chart, in seconds. */
export const ZOOM_S: { readonly min: number; readonly max: number } = { min: 5, max: 30 * 86_400 }
