/** Decides when a circuit opens, from the results of its calls. Each breaker has its own rule, so each key has one. */
export interface TripRule {
  /**
   * Counts one call. Ignored calls are not recorded.
   *
   * @param failed whether the verdict was `failure`
   * @param durationMs the duration of the call; 0 if the trip has no {@link Trip.slowerThanMs}
   * @param now the current instant, in milliseconds on the breaker's clock
   * @param countedSlowMs the largest limit for which {@link recordSlow} has counted this call; below 0 if there is none
   * @returns one of {@link Trip.reasons} if the circuit must open now, otherwise undefined
   */
  record(failed: boolean, durationMs: number, now: number, countedSlowMs?: number): string | undefined
  /**
   * Counts a call as slow that is still in flight. Its later outcome is not counted again by the same rule. Optional: a
   * rule without it counts calls at their outcome only.
   *
   * @param limitMs one of {@link Trip.slowLimitsMs}, which the call has exceeded now
   * @returns one of {@link Trip.reasons} if the circuit must open now, otherwise undefined
   */
  recordSlow?(limitMs: number, now: number): string | undefined
  /** The status field `failures`: failed or slow calls, depending on the rule. */
  failures(now: number): number
  /** The status field `calls`: the calls among which {@link failures} were counted. */
  calls(now: number): number
  /** Sets all counts to zero. Called at every change of state, and when a closed circuit is reset. */
  clear(): void
  /** The rules of which this one consists, if there are several. */
  readonly parts?: readonly TripRule[]
  /**
   * Takes over the counts of the rule that this one replaces, after `shield.reconfigure()`. Default: it starts at zero.
   *
   * @returns false if the two count differently, for example in windows of different length
   */
  continueFrom?(previous: TripRule): boolean
  /** Returns the counts as plain data for `breaker.save()`; undefined if they depend on time. */
  save?(): SavedCounts | undefined
  /** Continues from saved counts. Ignores those of another kind of rule. */
  restore?(saved: SavedCounts): void
}

/** The counts of a rule, as plain data. */
export type SavedCounts =
  | { readonly failures: number; readonly calls: number }
  /** The last outcomes, oldest first: `1` for a failed or slow call, `0` for any other. */
  | { readonly outcomes: string }

/** Lets each part of a rule continue from a part of the rule that it replaces. */
export function continueRule(rule: TripRule, previous: TripRule): void {
  const left = [...partsOf(previous)]
  for (const part of partsOf(rule)) {
    const index = left.findIndex((old) => part.continueFrom?.(old))
    // Each part continues at most once: two rules must not share a window.
    if (index !== -1) left.splice(index, 1)
  }
}

/** The counts of all parts of a rule; undefined if there is nothing to save. */
export function savedCounts(rule: TripRule): readonly (SavedCounts | null)[] | undefined {
  const counts = partsOf(rule).map((part) => part.save?.() ?? null)
  return counts.some((saved) => saved !== null) ? counts : undefined
}

/** Restores the counts of all parts of a rule. */
export function restoreCounts(rule: TripRule, counts: readonly (SavedCounts | null)[]): void {
  partsOf(rule).forEach((part, index) => {
    const saved = counts[index]
    if (saved) part.restore?.(saved)
  })
}

function partsOf(rule: TripRule): readonly TripRule[] {
  return rule.parts ?? [rule]
}

/** Describes when a circuit opens; each breaker creates its own rule from it. */
export interface Trip {
  /** All reasons that its rules can return, for events and metrics: `3 consecutive failures`. */
  readonly reasons: readonly string[]
  /**
   * A call that takes longer than this is slow, in milliseconds. A slow probe counts as failed, even if it succeeded.
   *
   * Undefined if the rule needs no durations. Calls are then not timed.
   */
  readonly slowerThanMs?: number
  /** The limits of all rules that count slow calls, in ascending order. Default: {@link slowerThanMs} alone. */
  readonly slowLimitsMs?: readonly number[]
  /** The circuit cannot open before this many calls within this time; undefined without a minimum or a time window. */
  readonly minimum?: { readonly calls: number; readonly withinMs: number }
  /** Creates a rule with all counts at zero. */
  create(): TripRule
}

/** The limits after which a call in flight is slow, in ascending order; undefined if the trip needs no durations. */
export function slowLimitsOf({ slowLimitsMs, slowerThanMs }: Trip): readonly number[] | undefined {
  return slowLimitsMs ?? (slowerThanMs === undefined ? undefined : [slowerThanMs])
}
