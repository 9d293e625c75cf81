import { BulkheadFullError, CircuitOpenError, type Clock, DeadlineExceededError, TimeoutError } from 'escudo'

/** What stands in for a failure: the failure itself, so that it can be judged. */
export class StandIn {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** An operation's own failure, which knows whose it is. */
export class OwnError extends Error {
  readonly owner: Tracked

  constructor(owner: Tracked, facts: object = {}) {
    super('the dependency failed')
    this.owner = owner
    Object.assign(this, facts)
  }
}

/** What an operation comes to that its timeout has cut off: nobody may ever see it. */
export const TOO_LATE = { late: true }

/** One who calls, once or many times, and may give up. */
export class Caller {
  readonly controller: AbortController = new AbortController()
  readonly reason: object = { gaveUp: true }
  abortedAt: number | undefined

  abort(now: number): void {
    this.abortedAt = now
    this.controller.abort(this.reason)
  }
}

/** The limits of the shield that calls go through, in milliseconds. */
export interface Limits {
  readonly totalMs: number
  readonly attemptMs: number
  readonly attempts: number
}

// A deadline and a timeout are sums of the same numbers in another order.
const SAME_MS = 1e-6

/** One call with all that decides which outcomes it may have. */
export class Tracked {
  readonly startedAt: number
  readonly caller: Caller | undefined
  readonly deadlineMs: number | undefined
  attempts = 0
  attemptAt = 0
  /** When an attempt that was not cut off came to its value. */
  valueAt: number | undefined
  settled = false
  readonly #clock: Clock
  readonly #limits: Limits

  constructor(clock: Clock, limits: Limits, caller: Caller | undefined, deadlineMs: number | undefined) {
    this.#clock = clock
    this.#limits = limits
    this.startedAt = clock.now()
    this.caller = caller
    this.deadlineMs = deadlineMs
  }

  /** An attempt begins. Returns what is wrong with that, if anything is. */
  attempt(): string | undefined {
    const now = this.#clock.now()
    this.attempts += 1
    this.attemptAt = now
    this.valueAt = undefined
    if (this.settled) return 'called after it had settled'
    if (this.caller?.abortedAt !== undefined) return 'called after its caller had given up'
    if (this.attempts > this.#limits.attempts) return 'called too often'
    return undefined
  }

  /** The name of the outcome; one that the model does not allow begins with `wrong`. */
  outcomeOf(settled: { readonly value: unknown } | { readonly error: unknown }): string {
    if (this.settled) return 'wrong: settled twice'
    this.settled = true
    const now = this.#clock.now()
    if (now > this.startedAt + this.#limits.totalMs + SAME_MS) return 'wrong: later than its total timeout'
    const abortedAt = this.caller?.abortedAt
    if (abortedAt !== undefined && now !== Math.max(abortedAt, this.startedAt)) {
      return 'wrong: later than its caller gave up'
    }
    if ('error' in settled) return this.#error(settled.error, now)
    const { value } = settled
    if (value instanceof StandIn) return `fallback for ${this.#failure(value.error, now)}`
    if (value !== this) return 'wrong: a value that is not its own'
    return this.valueAt === now ? 'value' : 'wrong: a value that no attempt came to now'
  }

  #error(error: unknown, now: number): string {
    if (this.caller !== undefined && error === this.caller.reason) {
      return this.caller.abortedAt === undefined ? 'wrong: given up by nobody' : 'given up'
    }
    if (error instanceof DeadlineExceededError) {
      const dueMs = this.startedAt + (this.deadlineMs ?? Number.NaN)
      return Math.abs(now - dueMs) <= SAME_MS ? 'deadline' : 'wrong: a deadline at the wrong time'
    }
    if (error instanceof OwnError && error.owner === this && 'business' in error) return 'business error'
    return `wrong: rejected with ${error}`
  }

  #failure(error: unknown, now: number): string {
    if (error instanceof CircuitOpenError) return 'an open circuit'
    if (error instanceof BulkheadFullError) return 'a full bulkhead'
    if (error instanceof OwnError) return error.owner === this ? 'a failure' : 'wrong: a failure of another call'
    if (!(error instanceof TimeoutError)) return `wrong: ${error}`
    const [beganAt, afterMs] =
      error.policy === 'total' ? [this.startedAt, this.#limits.totalMs] : [this.attemptAt, this.#limits.attemptMs]
    const onTime = Math.abs(now - (beganAt + afterMs)) <= SAME_MS
    return onTime ? `a timeout (${error.policy})` : `wrong: a timeout at the wrong time (${error.policy})`
  }
}
