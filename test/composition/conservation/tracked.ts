import { BulkheadFullError, CircuitOpenError, type Clock, DeadlineExceededError, TimeoutError } from 'escudo'

/** The fallback's substitute for a failure. Carries the failure, so that the model can check it. */
export class Substitute {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** The failure of an operation, with the call that it belongs to. */
export class OperationError extends Error {
  readonly owner: Tracked

  constructor(owner: Tracked, facts: object = {}) {
    super('the dependency failed')
    this.owner = owner
    Object.assign(this, facts)
  }
}

/** The value of an operation that was cancelled by its timeout. No caller may receive it. */
export const TOO_LATE = { late: true }

/** The owner of a signal, for one call or many. May abort it. */
export class Caller {
  readonly controller: AbortController = new AbortController()
  readonly reason: object = { aborted: true }
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

// A deadline and a timeout add the same numbers in a different order, so they may differ by rounding.
const SAME_MS = 1e-6

/** One call, with everything that determines which outcomes it may have. */
export class Tracked {
  readonly startedAt: number
  readonly caller: Caller | undefined
  readonly deadlineMs: number | undefined
  attempts = 0
  attemptAt = 0
  /** When an attempt that was not cancelled returned its value. */
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

  /** Records the start of an attempt. Returns the problem if it must not start. */
  attempt(): string | undefined {
    const now = this.#clock.now()
    this.attempts += 1
    this.attemptAt = now
    this.valueAt = undefined
    if (this.settled) return 'called after it had settled'
    if (this.caller?.abortedAt !== undefined) return 'called after its caller had aborted'
    if (this.attempts > this.#limits.attempts) return 'called too often'
    return undefined
  }

  /** The name of the outcome. It begins with `wrong` if the model does not allow it. */
  outcomeOf(settled: { readonly value: unknown } | { readonly error: unknown }): string {
    if (this.settled) return 'wrong: settled twice'
    this.settled = true
    const now = this.#clock.now()
    if (now > this.startedAt + this.#limits.totalMs + SAME_MS) return 'wrong: later than its total timeout'
    const abortedAt = this.caller?.abortedAt
    if (abortedAt !== undefined && now !== Math.max(abortedAt, this.startedAt)) {
      return 'wrong: later than the abort of its caller'
    }
    if ('error' in settled) return this.#error(settled.error, now)
    const { value } = settled
    if (value instanceof Substitute) return `fallback for ${this.#failure(value.error, now)}`
    if (value !== this) return 'wrong: a value of another call'
    return this.valueAt === now ? 'value' : 'wrong: a value that no attempt returned now'
  }

  #error(error: unknown, now: number): string {
    if (this.caller !== undefined && error === this.caller.reason) {
      return this.caller.abortedAt === undefined ? 'wrong: aborted without an abort' : 'aborted by its caller'
    }
    if (error instanceof DeadlineExceededError) {
      const dueMs = this.startedAt + (this.deadlineMs ?? Number.NaN)
      return Math.abs(now - dueMs) <= SAME_MS ? 'deadline' : 'wrong: a deadline at the wrong time'
    }
    if (error instanceof OperationError && error.owner === this && 'business' in error) return 'business error'
    return `wrong: rejected with ${error}`
  }

  #failure(error: unknown, now: number): string {
    if (error instanceof CircuitOpenError) return 'an open circuit'
    if (error instanceof BulkheadFullError) return 'a full bulkhead'
    if (error instanceof OperationError) return error.owner === this ? 'a failure' : 'wrong: a failure of another call'
    if (!(error instanceof TimeoutError)) return `wrong: ${error}`
    const [startedAt, afterMs] =
      error.policy === 'total' ? [this.startedAt, this.#limits.totalMs] : [this.attemptAt, this.#limits.attemptMs]
    const onTime = Math.abs(now - (startedAt + afterMs)) <= SAME_MS
    return onTime ? `a timeout (${error.policy})` : `wrong: a timeout at the wrong time (${error.policy})`
  }
}
