/** What a policy records about a call when something goes wrong. `explain()` shows it. */
export interface Note {
  /** The policy's name within the shield. */
  readonly policy: string
  /** What the policy did, in a few words: `open`, `full`, `timed out`. */
  readonly state: string
  /** The state and counters that decided, at that moment. JSON-able. */
  readonly facts?: Readonly<Record<string, unknown>>
  /** The attempts of a retry or a hedge, oldest first. */
  readonly attempts?: readonly AttemptNote[]
  /** When a new call makes sense, in milliseconds on the shield's clock. */
  readonly retryAt?: number | undefined
  /** True if the attempt ended in this policy: it did not reach the policies inside it. */
  readonly endedHere?: boolean
}

/** One failed attempt of a retry or a hedge. */
export interface AttemptNote {
  /** From 1. */
  readonly number: number
  /** In milliseconds on the shield's clock. */
  readonly startedAt: number
  /** The same in ISO 8601, in an explanation, if the clock is the system's. */
  readonly startedTime?: string
  readonly durationMs: number
  /** The verdict of the policy that made the attempt. */
  readonly outcome: 'success' | 'failure' | 'ignored'
}
