import type { CancelTimer, Clock } from '../../core/clock.ts'
import { type CallState, withAttempt, withScope } from '../../core/engine/call.ts'
import { type Cancellation, type CancelScope, Watcher } from '../../core/engine/cancel-scope.ts'
import { discard } from '../../core/engine/discard.ts'
import { cancellationAfterWait } from '../../core/engine/late-start.ts'
import { addNote, forgetEnds } from '../../core/explain/notes.ts'
import { idempotencyOf, onAnswer } from '../../core/idempotency.ts'
import type { Operation, Run } from '../../core/operation.ts'
import { isRefusal, mayRetry } from '../../errors/classification.ts'
import { stackless } from '../../errors/stackless.ts'
import { AttemptLog } from '../shared/attempts.ts'
import { judgeError } from '../shared/judge.ts'
import { HedgedAttempt } from './hedged-attempt.ts'

/** The outcomes of a hedged call. `hedge_won`: a later attempt answered first. */
export type HedgeOutcome = 'first_won' | 'hedge_won' | 'failed' | 'cancelled'

/** What a hedged call reads from its policy and reports to it. */
export interface HedgeRules {
  /** The policy's name within the shield. */
  readonly policy: string
  readonly clock: Clock
  readonly maxHedges: number
  /** How long to wait for an answer before the next hedge. */
  delayMs(now: number): number
  /** Pays for one hedge; false if the budget is empty. */
  tryWithdraw(now: number): boolean
  /** Called before a hedge starts. */
  onHedge(attempt: number, delayMs: number): void
  /** Called when an attempt has answered. `latencyMs` is undefined if the answer is not a success. */
  onWin(byHedge: boolean, latencyMs: number | undefined, now: number): void
  /** Called once: with the first answer, the last failure, or the cancellation. */
  onDecided(outcome: HedgeOutcome, attempts: number): void
}

/** Wraps a thrown value, because the value itself may be undefined. */
interface Thrown {
  readonly error: unknown
}

/**
 * One call and its hedges.
 *
 * The first attempt that answers determines the outcome. All other attempts are then cancelled, and the call does not
 * wait for them.
 */
export class HedgedCall<T> extends Watcher {
  readonly #rules: HedgeRules
  readonly #next: Run
  readonly #call: CallState
  readonly #operation: Operation<T>
  /** The attempts that have not failed, oldest first. */
  #inFlight: HedgedAttempt[] = []
  #started = 0
  #hedgesLeft: number
  #winner: HedgedAttempt | undefined
  #ended = false
  /** The value of the winner. */
  #value: T | undefined
  #cancelTimer: CancelTimer | undefined
  readonly #log = new AttemptLog()
  /** The latest failure. Refusals do not count. */
  #failure: Thrown | undefined
  #resolve: (value: T) => void = () => {}
  #reject: (error: unknown) => void = () => {}

  constructor(rules: HedgeRules, next: Run, call: CallState, operation: Operation<T>) {
    super()
    this.#rules = rules
    this.#next = next
    this.#call = call
    this.#operation = operation
    this.#hedgesLeft = rules.maxHedges
  }

  run(): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      const outer = this.#call.scope
      if (outer !== undefined) this.watch(outer)
      if (this.#ended) return
      this.#start()
      this.#scheduleHedge()
    })
  }

  /** Cancels all attempts and rejects the call. */
  override onCancel(cancellation: Cancellation, toAbort: CancelScope[]): void {
    const cancelled = this.#inFlight
    this.#end()
    if (this.#winner === undefined) this.#rules.onDecided('cancelled', this.#started)
    // Before the rejection: the error leaves the shield with this note.
    this.#note('cancelled')
    const outer = this.#call.scope
    for (const attempt of cancelled) {
      attempt.outer = outer
      attempt.onCancel(cancellation, toAbort)
    }
    this.#reject(cancellation.reason)
  }

  #start(): void {
    const number = this.#call.attempt + this.#started
    const attempt = new HedgedAttempt(number, this.#started > 0, this.#rules.clock.now(), this.#call.scope)
    this.#started += 1
    this.#inFlight.push(attempt)
    // The attempt's promise settles the call's promise directly, so that the stack of an error leads to the caller. The
    // promise of an attempt that does not determine the outcome therefore never settles.
    this.#follow(attempt).then(this.#resolve, this.#reject)
  }

  async #follow(attempt: HedgedAttempt): Promise<T> {
    let value: T
    try {
      const operation = this.#operationOf(attempt)
      value = await this.#next(withScope(withAttempt(this.#call, attempt.number), attempt), operation)
    } catch (error) {
      const thrown = this.#onFailure(attempt, error)
      if (thrown === undefined) return await neverSettles()
      throw thrown.error
    }
    if (!this.#tryWin(attempt, true)) {
      // Attempts may share one value: the winner's stays open.
      if (this.#value !== value) discard(value)
      return await neverSettles()
    }
    this.#value = value
    this.#end()
    return value
  }

  #operationOf(attempt: HedgedAttempt): Operation<T> {
    const operation = this.#operation
    // An operation that declares no idempotency has its answer when it returns.
    if (idempotencyOf(operation) === undefined) return operation
    return onAnswer(operation, () => void this.#tryWin(attempt, true))
  }

  /** Sets the timer for the next hedge, if one is allowed. */
  #scheduleHedge(): void {
    if (this.#hedgesLeft === 0 || this.#winner !== undefined || this.#ended) return
    const now = this.#rules.clock.now()
    const delayMs = this.#rules.delayMs(now)
    const { deadline } = this.#call
    if (deadline !== undefined && now + delayMs >= deadline) return
    this.#hedgeAfter(delayMs).catch(this.#reject)
  }

  /**
   * Waits, then starts a hedge.
   *
   * The hedge runs the operation, so it must start in the asynchronous context of the call. It starts after an `await`,
   * because a clock may fire a timer callback in another context.
   */
  async #hedgeAfter(delayMs: number): Promise<void> {
    const startedBefore = this.#started
    await new Promise<void>((resolve) => {
      this.#cancelTimer = this.#rules.clock.setTimer(resolve, delayMs)
    })
    // A failure may have started the hedge already. An overdue timeout ends the call here, and starts no hedge.
    if (startedBefore !== this.#started || this.#winner !== undefined || this.#ended) return
    if (cancellationAfterWait(this.#call) !== undefined) return
    this.#hedge(delayMs)
  }

  /** Starts a hedge now, if one is allowed. */
  #hedge(delayMs: number): void {
    this.#cancelTimer?.()
    if (this.#hedgesLeft === 0 || this.#winner !== undefined || this.#ended) return
    const now = this.#rules.clock.now()
    const { deadline } = this.#call
    if ((deadline !== undefined && now >= deadline) || !this.#rules.tryWithdraw(now)) {
      this.#hedgesLeft = 0
      return
    }
    this.#hedgesLeft -= 1
    this.#rules.onHedge(this.#call.attempt + this.#started, delayMs)
    // A listener of the event may have aborted the call.
    if (this.#ended) return
    this.#start()
    this.#scheduleHedge()
  }

  /** Makes this attempt the winner if there is none yet. Returns whether it is the winner. */
  #tryWin(attempt: HedgedAttempt, succeeded: boolean): boolean {
    if (this.#winner !== undefined) return this.#winner === attempt
    if (this.#ended) return false
    this.#winner = attempt
    this.#cancelTimer?.()
    const now = this.#rules.clock.now()
    // The latency is measured from the start of the oldest attempt in flight, which takes at least this long. Otherwise
    // slow calls would be missing from the quantile, and each hedge would lower it.
    const { startedAt } = this.#inFlight[0] ?? attempt
    this.#rules.onWin(attempt.isHedge, succeeded ? now - startedAt : undefined, now)
    this.#rules.onDecided(attempt.isHedge ? 'hedge_won' : 'first_won', this.#started)
    const losers = this.#inFlight.filter((inFlight) => inFlight !== attempt)
    this.#inFlight = [attempt]
    if (losers.length === 0) return true
    // `caller`, so that policies count nothing: a slower attempt is not a failure of the dependency.
    const cancellation: Cancellation = { by: 'caller', reason: stackless(slowerAttempt) }
    for (const loser of losers) loser.cancel(cancellation)
    return true
  }

  /** Handles the failure of an attempt. Returns what the call throws, or undefined if the call continues. */
  #onFailure(attempt: HedgedAttempt, error: unknown): Thrown | undefined {
    // The winner may fail after its answer, while the body streams. All other attempts were cancelled.
    if (this.#winner !== undefined) return this.#winner === attempt ? this.#endWith({ error }) : undefined
    if (this.#ended) return undefined
    const { number, startedAt } = attempt
    const verdict = judgeError(undefined, error, this.#call)
    this.#log.add({ number, startedAt, durationMs: this.#rules.clock.now() - startedAt, outcome: verdict, error })
    const refused = isRefusal(error)
    if (verdict !== 'failure' && !refused) {
      this.#tryWin(attempt, verdict === 'success')
      return this.#endWith({ error })
    }
    this.#inFlight = this.#inFlight.filter((inFlight) => inFlight !== attempt)
    if (!refused) this.#failure = { error }
    // An inner policy would refuse the next attempt too, and `retry: 'never'` holds for hedges as well.
    if (refused || !mayRetry(error)) this.#hedgesLeft = 0
    // A hedge that the timer started at this same instant already replaces the failed attempt.
    const now = this.#rules.clock.now()
    if (!this.#inFlight.some((inFlight) => inFlight.isHedge && inFlight.startedAt === now)) this.#hedge(0)
    if (this.#inFlight.length > 0 || this.#ended) return undefined
    return this.#endWith(this.#failure ?? { error })
  }

  /** Ends the call with an error, and records its attempts. */
  #endWith(thrown: Thrown): Thrown {
    this.#end()
    // The last attempt may have been refused, but the error comes from one that ran.
    if (!isRefusal(thrown.error)) forgetEnds(this.#call.root)
    if (this.#winner === undefined) this.#rules.onDecided('failed', this.#started)
    const state = this.#started === 1 ? 'not hedged' : 'all failed'
    this.#note(this.#winner === undefined ? state : 'answered')
    return thrown
  }

  #note(state: string): void {
    const endedHere = this.#started === 0
    addNote(this.#call.root, { policy: this.#rules.policy, state, attempts: this.#log.attempts, endedHere })
  }

  #end(): void {
    this.#ended = true
    this.#inFlight = []
    this.#cancelTimer?.()
    this.unwatch()
  }
}

/** A new promise each time: one shared promise would keep every attempt that waits for it in memory. */
function neverSettles(): Promise<never> {
  return new Promise(() => {})
}

function slowerAttempt(): DOMException {
  return new DOMException('another attempt of the same call was faster', 'AbortError')
}
