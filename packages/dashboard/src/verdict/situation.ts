/** The state of a service, and of all services together. */
export type State = 'waiting' | 'silent' | 'healthy' | 'degraded' | 'failing'

/** Why a state is not healthy, in the order in which reasons are listed. */
export const REASONS = ['5xx', '4xx', 'latency', 'silence', 'breaker', 'fallbacks', 'critical', 'restarts'] as const

/** A reason for a state. */
export type Reason = (typeof REASONS)[number]

/** What was counted in a span of time. */
export interface Counts {
  readonly requests: number
  /** Answers with a status of 500 or more. */
  readonly failures: number
  readonly clientErrors: number
  /** Answers that a fallback gave. */
  readonly degraded: number
  /** Answers that were no failures, but slower than the objective. */
  readonly slow: number
  /** Null when no request has a latency. */
  readonly p95Ms: number | null
}

/** The counts of 60 seconds. */
export interface Window extends Counts {
  /** Requests that users sent: not those of other services. */
  readonly entries: number
  readonly entryFailures: number
  readonly entryDegraded: number
  /** Health checks and scrapes. They are not among `requests`. */
  readonly probes: number
  readonly probeFailures: number
  readonly criticals: number
  /** The time of the first of them. */
  readonly firstCriticalAt: number | undefined
}

/** The counts of one minute of the last hour. */
export interface Minute extends Counts {
  /** When it begins. */
  readonly at: number
  readonly firstAt: number
  readonly lastAt: number
  /** Undefined without a failure. */
  readonly firstFailureAt: number | undefined
  readonly lastFailureAt: number | undefined
  /** The first fallback or slow answer; undefined without one. */
  readonly firstBadAt: number | undefined
}

/** A span of time in which minutes with failures followed each other. */
export interface Run {
  readonly since: number
  readonly lastAt: number
}

/** A breaker as its latest line describes it. */
export interface BreakerFacts {
  readonly shield: string
  readonly policy: string
  /** The instance whose breaker it is, if its lines name one. */
  readonly instance?: string | undefined
  readonly state: string
  /** When its latest line was written. */
  readonly changedAt: number
  /** When the present trouble began; undefined while closed. */
  readonly openSince: number | undefined
  /** The process that wrote the line, if it is known. */
  readonly process: string | undefined
}

/** A process of a service. */
export interface ProcessFacts {
  readonly id: string
  readonly firstAt: number
  readonly lastAt: number
}

/** What is known about one service. All times are by the reader's clock. */
export interface ServiceFacts {
  readonly name: string
  /** The last 60 seconds. */
  readonly window: Window
  /** The 60 seconds that end with its last request. */
  readonly lastWindow: Window
  /** Up to an hour, oldest first, up to now. */
  readonly minutes: readonly Minute[]
  /** Failures that began before the first of `minutes`: at the share of `failing`, and at any share that counts. */
  readonly olderFailing: Run | undefined
  readonly olderFailures: Run | undefined
  readonly lastRequestAt: number | undefined
  readonly lastLineAt: number | undefined
  /** Whether a line of it was recent when it was read. */
  readonly wasFollowed: boolean
  readonly breakers: readonly BreakerFacts[]
  readonly processes: readonly ProcessFacts[]
  /** The times of lines that report a start, oldest first. */
  readonly starts: readonly number[]
  readonly clockAheadMs: number
}

/** One service calls another one. */
export interface EdgeFacts {
  readonly caller: string
  readonly callee: string
  /** Failed calls of the last minute or two; undefined when only a name tells of the call. */
  readonly failures: number | undefined
}

/** Everything that a verdict is made from. */
export interface Situation {
  /** The moment of the verdict: the reader's clock, or the last line of old files. */
  readonly now: number
  /** Whether `now` is the last line of files that are old. */
  readonly isOld: boolean
  readonly services: readonly ServiceFacts[]
  readonly edges: readonly EdgeFacts[]
}

/** The verdict on one service. */
export interface ServiceVerdict {
  readonly name: string
  readonly state: State
  readonly since: number | undefined
  readonly reasons: readonly Reason[]
  readonly requests: number
  readonly failures: number
  readonly p95Ms: number | null
  readonly clockAheadMs: number
  /** Breakers that are not closed. A breaker of a process that no longer runs is not known. */
  readonly openBreakers: readonly BreakerFacts[]
  /** Set when the state is that of an earlier moment: there was no request since. */
  readonly asOf: number | undefined
  /** Whether it counts for the headline. Old files beside live ones do not. */
  readonly isCurrent: boolean
  /** How many times faster than allowed the error budget is used; undefined without an objective. */
  readonly burnRate: number | undefined
}

/** The verdict on all services. */
export interface Verdict {
  readonly state: State
  readonly since: number | undefined
  readonly asOf: number | undefined
  readonly cause: { readonly service: string; readonly reason: Reason } | undefined
  /** What users got in the last 60 seconds, and the other services that are not healthy. */
  readonly effect: {
    readonly requests: number
    readonly failures: number
    readonly degraded: number
    readonly services: readonly string[]
  }
  readonly services: readonly ServiceVerdict[]
}
