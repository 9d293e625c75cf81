/** What decides that a circuit opens: it is fed with what calls came to. Every breaker, and so every key, has its own. */
export interface TripRule {
  /**
   * Takes a call in.
   *
   * @param failed whether its verdict was `failure`; ignored calls never come here
   * @param durationMs how long it took; 0 where the trip has no {@link Trip.slowerThanMs}, since nobody measured it
   * @returns the reason why the circuit must open now, one of {@link Trip.reasons}; otherwise undefined
   */
  record(failed: boolean, durationMs: number, now: number): string | undefined
  /** What a snapshot shows as `failures`: what the rule counts against the dependency. */
  failures(now: number): number
  /** What a snapshot shows as `calls`: those among which {@link failures} were counted. */
  calls(now: number): number
  /** Forgets all, when the circuit closes. */
  clear(): void
}

/** A description of a rule, of which every breaker, and so every key, makes its own. */
export interface Trip {
  /** Why a circuit can open by it, for events: `3 consecutive failures`. */
  readonly reasons: readonly string[]
  /**
   * A call that takes longer is slow, in milliseconds. Left out by rules that do not look at durations: then nobody
   * measures any. A slow probe of a half-open circuit has failed, whatever it came to.
   */
  readonly slowerThanMs?: number
  /** It opens nothing with fewer calls than these within this time; left out where no time is set, or it needs none. */
  readonly needs?: { readonly calls: number; readonly withinMs: number }
  /** A fresh rule. */
  create(): TripRule
}
