import type { CancelTimer } from '../../core/clock.ts'
import { afterWait, type CallState, withAttempt, withScope } from '../../core/engine/call.ts'
import { type Cancellation, type CancelScope, Watcher } from '../../core/engine/cancel-scope.ts'
import { discard } from '../../core/engine/discard.ts'
import { cancellationAfterWait } from '../../core/engine/late-start.ts'
import { addNote, forgetEnds } from '../../core/explain/notes.ts'
import { idempotencyOf, onAnswer } from '../../core/idempotency.ts'
import type { Operation, Run } from '../../core/operation.ts'
import type { Outcome, Verdict } from '../../core/outcome.ts'
import { isRefusal, mayRetry } from '../../errors/classification.ts'
import { stackless } from '../../errors/stackless.ts'
import { AttemptLog } from '../shared/attempts.ts'
import { judgeError, judgeValue } from '../shared/judge.ts'
import type { HedgeOutcome, HedgeRules } from './hedge-rules.ts'
import { HedgedAttempt } from './hedged-attempt.ts'

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
  /** The latest failure: an error, or a value that the classifier rejected. Refusals do not count. */
  #failure: Outcome<T> | undefined
  #startedMs = 0
  #resolve: (value: T) => void = () => {}
  #reject: (error: unknown) => void = () => {}

  constructor(rules: HedgeRules, next: Run, call: CallState, operation: Operation<T>) {
    super()
    this.#rules = rules
    this.#next = next
    this.#call = call
    this.#operation = operation
    this.#hedgesLeft = rules.settings.maxHedges
  }

  run(): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      const outer = this.#call.scope
      this.watch(outer)
      if (this.#ended) return
      this.#start()
      this.#scheduleHedge()
    })
  }

  /** Cancels all attempts and rejects the call. */
  override onCancel(cancellation: Cancellation, toAbort: CancelScope[]): void {
    const cancelled = this.#inFlight
    this.#end()
    this.#replace(undefined)
    if (this.#winner === undefined) this.#decide('cancelled', cancellation.reason)
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
    const startedAt = this.#rules.clock.now()
    const attempt = new HedgedAttempt(number, this.#started > 0, startedAt, this.#call.scope)
    if (this.#started === 0) this.#startedMs = startedAt
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
      const call = withScope(withAttempt(this.#call, attempt.number), attempt)
      call.enteredMs = attempt.startedAt
      value = await this.#next(call, operation)
    } catch (error) {
      return await settled(this.#judged(attempt, { ok: false, error }))
    }
    if (this.#rules.settings.classify !== undefined && !this.#isDecided) {
      return await settled(this.#judged(attempt, { ok: true, value }))
    }
    return this.#won(attempt, value, true) ? value : await neverSettles()
  }

  /** Judges an attempt that has ended. Returns the outcome of the call; undefined if the call goes on without it. */
  #judged(attempt: HedgedAttempt, outcome: Outcome<T>): Outcome<T> | undefined {
    const { classify } = this.#rules.settings
    let verdict: Verdict = 'ignored'
    try {
      if (outcome.ok) verdict = judgeValue(classify, outcome.value, this.#call)
      else if (!this.#isDecided) verdict = judgeError(classify, outcome.error, this.#call)
    } catch (error) {
      // A classifier threw. That is an answer, of the program and not of the dependency.
      if (outcome.ok) discard(outcome.value)
      return this.#tryWin(attempt, false) ? this.#endWith({ ok: false, error }) : undefined
    }
    if (!outcome.ok || verdict === 'failure') return this.#onFailure(attempt, outcome, verdict)
    return this.#won(attempt, outcome.value, verdict === 'success') ? outcome : undefined
  }

  /** Ends the call with the value of an attempt. Returns false if another attempt determines the outcome. */
  #won(attempt: HedgedAttempt, value: T, succeeded: boolean): boolean {
    if (!this.#tryWin(attempt, succeeded)) {
      // Attempts may share one value: the winner's stays open.
      if (this.#value !== value) discard(value)
      return false
    }
    this.#value = value
    this.#replace(undefined)
    this.#end()
    return true
  }

  #operationOf(attempt: HedgedAttempt): Operation<T> {
    const operation = this.#operation
    // An operation that declares no idempotency has its answer when it returns. A classifier needs the whole value.
    if (idempotencyOf(operation) === undefined || this.#rules.settings.classify !== undefined) return operation
    return onAnswer(operation, () => {
      // A custom policy may have given up an attempt whose operation goes on. Its answer reaches no caller.
      if (this.#inFlight.includes(attempt)) this.#tryWin(attempt, true)
    })
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
    if (cancellationAfterWait(afterWait(this.#call)) !== undefined) return
    this.#hedge(delayMs)
  }

  /** Starts a hedge now, if one is allowed. */
  #hedge(delayMs: number): void {
    this.#cancelTimer?.()
    if (this.#hedgesLeft === 0 || this.#winner !== undefined || this.#ended) return
    const now = this.#rules.clock.now()
    const { deadline } = this.#call
    if (
      this.#call.root.readerTime !== undefined ||
      (deadline !== undefined && now >= deadline) ||
      !this.#rules.tryWithdraw(now)
    ) {
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
    const hedge = attempt.isHedge ? attempt.number : undefined
    this.#rules.onWin(hedge, succeeded ? now - startedAt : undefined, now - this.#startedMs, now)
    this.#rules.onDecided(hedge === undefined ? 'first_won' : 'hedge_won', this.#started, now - this.#startedMs)
    const losers = this.#inFlight.filter((inFlight) => inFlight !== attempt)
    this.#inFlight = [attempt]
    if (losers.length === 0) return true
    // `caller`, so that policies count nothing: a slower attempt is not a failure of the dependency.
    const cancellation: Cancellation = { by: 'caller', reason: stackless(slowerAttempt) }
    for (const loser of losers) loser.cancel(cancellation)
    return true
  }

  /** Handles the failure of an attempt. Returns the outcome of the call, or undefined if the call continues. */
  #onFailure(attempt: HedgedAttempt, outcome: Outcome<T>, verdict: Verdict): Outcome<T> | undefined {
    // The winner may fail after its answer, while the body streams. All other attempts were cancelled.
    if (this.#winner !== undefined) return this.#winner === attempt ? this.#endWith(outcome) : undefined
    if (this.#ended) return undefined
    const { number, startedAt } = attempt
    const error = outcome.ok ? undefined : outcome.error
    this.#log.add({ number, startedAt, durationMs: this.#rules.clock.now() - startedAt, outcome: verdict, error })
    const refused = isRefusal(error)
    if (verdict !== 'failure' && !refused) {
      this.#tryWin(attempt, verdict === 'success')
      return this.#endWith(outcome)
    }
    this.#inFlight = this.#inFlight.filter((inFlight) => inFlight !== attempt)
    if (!refused) this.#replace(outcome)
    // An inner policy would refuse the next attempt too, and `retry: 'never'` holds for hedges as well.
    if (refused || !mayRetry(error)) this.#hedgesLeft = 0
    // A hedge that the timer started at this same instant already replaces the failed attempt.
    const now = this.#rules.clock.now()
    if (!this.#inFlight.some((inFlight) => inFlight.isHedge && inFlight.startedAt === now)) this.#hedge(0)
    if (this.#inFlight.length > 0 || this.#ended) return undefined
    return this.#endWith(this.#failure ?? outcome)
  }

  /** Keeps the latest failure, and releases what the one before holds. */
  #replace(failure: Outcome<T> | undefined): void {
    if (this.#failure?.ok) discard(this.#failure.value)
    this.#failure = failure
  }

  /** Ends the call without an answer of an attempt, and records its attempts. */
  #endWith(outcome: Outcome<T>): Outcome<T> {
    this.#end()
    if (outcome !== this.#failure) this.#replace(undefined)
    const error = outcome.ok ? undefined : outcome.error
    // The last attempt may have been refused, but the error comes from one that ran.
    if (!isRefusal(error)) forgetEnds(this.#call.root)
    if (this.#winner === undefined) this.#decide('failed', error)
    const state = this.#started === 1 ? 'not hedged' : 'all failed'
    this.#note(this.#winner === undefined ? state : 'answered')
    return outcome
  }

  /** Whether another attempt determines the outcome, or the call has ended. */
  get #isDecided(): boolean {
    return this.#winner !== undefined || this.#ended
  }

  #decide(outcome: HedgeOutcome, error: unknown): void {
    this.#rules.onDecided(outcome, this.#started, this.#rules.clock.now() - this.#startedMs, error)
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

/** Settles the call with an outcome; never if there is none. */
function settled<T>(outcome: Outcome<T> | undefined): T | Promise<never> {
  if (outcome === undefined) return neverSettles()
  if (outcome.ok) return outcome.value
  throw outcome.error
}

/** A new promise each time: one shared promise would keep every attempt that waits for it in memory. */
function neverSettles(): Promise<never> {
  return new Promise(() => {})
}

function slowerAttempt(): DOMException {
  return new DOMException('another attempt of the same call was faster', 'AbortError')
}
