/** A goal and its measurement. */
export interface GoalLine {
  readonly what: string
  /** For example `≤ 8 × bare`. Unique together with `what`. */
  readonly goal: string
  /** Undefined if it was not measured. */
  readonly value: number | undefined
  /** For example `19.0 ×`. */
  readonly shown: string | undefined
  readonly verdict: 'met' | 'missed' | 'not measured' | 'not available'
}

/** A limit for one of the measurements in `F`. */
export interface Goal<F> {
  readonly what: string
  readonly goal: string
  readonly limit: number
  readonly must: 'at most' | 'at least'
  readonly show: (value: number) => string
  readonly measure: (figures: F) => number | undefined
  /** Whether the measured feature is not available. */
  readonly missing?: (figures: F) => boolean
  /** Whether the measurement is not valid on its own, for example because the machine was busy. Marked with `!`. */
  readonly doubtful?: (figures: F) => boolean
}

/** Formats a ratio, for example `19.0 ×`. */
export const times = (value: number): string => `${value.toFixed(1)} ×`
/** Formats a ratio near 1, for which one decimal is too coarse. */
export const twoDecimals = (value: number): string => `${value.toFixed(2)} ×`

/** All goals with their verdicts, including goals that were not measured. */
export function judge<F>(goals: readonly Goal<F>[], figures: F): GoalLine[] {
  return goals.map(({ what, goal, limit, must, show, measure, missing, doubtful }) => {
    const value = measure(figures)
    if (value === undefined) {
      const verdict = missing?.(figures) === true ? 'not available' : 'not measured'
      return { what, goal, value, shown: undefined, verdict }
    }
    const met = must === 'at most' ? value <= limit : value >= limit
    const shown = doubtful?.(figures) === true ? `${show(value)} !` : show(value)
    return { what, goal, value, shown, verdict: met ? 'met' : 'missed' }
  })
}
