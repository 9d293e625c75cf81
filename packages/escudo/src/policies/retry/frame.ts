import type { Binding } from '../../core/binding.ts'
import { afterWait, type CallRoot, type CallState, enteredMs, withAttempt } from '../../core/engine/call.ts'
import type { Cancellation } from '../../core/engine/cancel-scope.ts'
import { Failure, type Frame, type FrameResult, passFailure, passValue, unwrap } from '../../core/engine/frame.ts'
import { endInstant, instantMs } from '../../core/engine/instant.ts'
import { cancellationAfterWait } from '../../core/engine/late-start.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { sleep } from '../../core/engine/sleep.ts'
import { rememberCall } from '../../core/explain/failed-call.ts'
import { addNote, forgetNotesInside } from '../../core/explain/notes.ts'
import type { Operation } from '../../core/operation.ts'
import type { Verdict } from '../../core/outcome.ts'
import { withCause, withLastFailure } from '../../core/secondary-error.ts'
import { isRefusal } from '../../errors/classification.ts'
import { AttemptLog } from '../shared/attempts.ts'
import { emitExecuted } from '../shared/executed.ts'
import { judgeError, judgeValue } from '../shared/judge.ts'
import { LoopFrame } from './loop-frame.ts'
import { outcomeOf } from './outcomes.ts'
import { release } from './release.ts'
import { type FailedAttempt, nextDelayMs, type RetryRules, type StopReason } from './state/next-delay.ts'

/** The counters that a retry's status shows. */
export interface RetryCounters {
  calls: number
  retries: number
  exhausted: number
}

/** What all calls of one retry in one shield share. */
interface RetryContext {
  readonly next: Layer
  readonly binding: Binding
  readonly rules: RetryRules
  readonly counters: RetryCounters
}

/** Makes the layer of a retry. */
export function retryLayer(next: Layer, binding: Binding, rules: RetryRules, counters: RetryCounters): Layer {
  const context: RetryContext = { next, binding, rules, counters }
  return {
    enter(call, operation, outer) {
      counters.calls += 1
      const startedMs = enteredMs(call)
      rules.budget?.deposit('attempt', startedMs)
      // An outer retry may have numbered the call 2 or higher. For this retry it is a first attempt.
      const first = call.attempt === 1 ? call : withAttempt(call, 1)
      return next.enter(first, operation, new RetryFrame(outer, context, first, operation, startedMs))
    },
  }
}

/** The failed attempts of a call, and the current one. Created at the first failure. */
interface History {
  /** When the current attempt started. */
  startedMs: number
  /** The delay before it; undefined for the first attempt. */
  delayMs: number | undefined
  readonly log: AttemptLog
}

/**
 * One call of a retry. The first attempt only passes through this frame, because most calls need no second one. After a
 * failure, one loop makes all further attempts.
 */
class RetryFrame implements Frame {
  declare readonly outer: Frame
  declare private readonly context: RetryContext
  declare private readonly operation: Operation<unknown>
  declare private readonly startedMs: number
  declare private attempt: CallState
  declare private history: History | undefined

  constructor(outer: Frame, context: RetryContext, first: CallState, operation: Operation<unknown>, startedMs: number) {
    this.outer = outer
    this.context = context
    this.attempt = first
    this.operation = operation
    this.startedMs = startedMs
    this.history = undefined
  }

  get root(): CallRoot {
    return this.attempt.root
  }

  onValue(value: unknown): FrameResult {
    const delayMs = this.delayAfterValue(value)
    return delayMs === undefined ? passValue(this.outer, value) : this.retry(delayMs, value)
  }

  onFailure(failure: Failure): FrameResult {
    const delayMs = this.delayAfterError(failure.error)
    return delayMs === undefined ? passFailure(this.outer, failure) : this.retry(delayMs, failure)
  }

  /** Makes further attempts until one is final, and passes its outcome to the outer frame. */
  private async retry(firstDelayMs: number, first: FrameResult): Promise<unknown> {
    const frame = new LoopFrame((cancellation) => this.noteCancelled(cancellation))
    frame.watch(this.attempt.scope)
    let value: unknown
    try {
      value = await this.loop(firstDelayMs, first, frame)
    } catch (error) {
      frame.failure = new Failure(error, this.attempt.root)
    }
    frame.unwatch()
    const { outer } = this
    return unwrap(frame.failure === undefined ? passValue(outer, value) : passFailure(outer, frame.failure))
  }

  /** Returns the value of the final attempt, or stores its failure in `frame`. */
  private async loop(firstDelayMs: number, first: FrameResult, frame: LoopFrame): Promise<unknown> {
    const { next, binding, counters, rules } = this.context
    const latestMs = this.startedMs + rules.maxTotalMs
    let last = first
    const { root, scope } = this.attempt
    for (let delayMs: number | undefined = firstDelayMs; ; ) {
      counters.retries += 1
      await sleep(delayMs, binding.clock, scope)
      this.attempt = afterWait(this.attempt)
      const cancellation = cancellationAfterWait(this.attempt, latestMs)
      if (cancellation !== undefined) {
        release(rules, last)
        this.stopAfterWait(cancellation)
        frame.failure = new Failure(cancellation.reason, root)
        return undefined
      }
      if (enteredMs(this.attempt) > latestMs) return this.stopLate(last, frame)
      release(rules, last)
      this.attempt = withAttempt(this.attempt, this.attempt.attempt + 1)
      forgetNotesInside(root, binding.policy)
      if (this.history !== undefined) {
        this.history.startedMs = enteredMs(this.attempt)
        this.history.delayMs = delayMs
      }
      frame.failure = undefined
      const result = next.enter(this.attempt, this.operation, frame)
      endInstant()
      const value = await result
      // The cast undoes TypeScript's narrowing to undefined: the attempt sets the field while it runs.
      const failure = frame.failure as Failure | undefined
      try {
        delayMs = failure === undefined ? this.delayAfterValue(value) : this.delayAfterError(failure.error)
      } catch (error) {
        // User code threw (see `decide`). Work of the attempt may still be running: outer policies must receive it.
        frame.failure = new Failure(error, root, failure?.stillRunning)
        release(rules, value)
        return undefined
      }
      if (delayMs === undefined) return value
      last = failure ?? value
    }
  }

  private stopAfterWait({ by, reason }: Cancellation): void {
    const verdict = by === 'caller' ? 'ignored' : 'failure'
    // The call goes on, but no attempt may begin: a probe's lease has ended. Its refusal has the last failure as cause.
    if (this.attempt.scope?.cancellation === undefined) {
      this.stop('cancelled', verdict, reason)
      return
    }
    this.emitExecuted(verdict, reason)
    this.noteStop('cancelled')
  }

  /** Ends the call with its last outcome: the delay took so long that a further attempt would start past `maxTotal`. */
  private stopLate(last: FrameResult, frame: LoopFrame): unknown {
    const error = last instanceof Failure ? last.error : undefined
    this.stop('past maxTotal', this.history?.log.attempts.at(-1)?.outcome ?? 'failure', error)
    if (!(last instanceof Failure)) return last
    if (this.attempt.attempt > 1) rememberCall(error, this.attempt.root)
    frame.failure = last
    return undefined
  }

  /** Judges a value. Returns the delay before the next attempt; undefined if the value is the call's result. */
  private delayAfterValue(value: unknown): number | undefined {
    const { classify, budget } = this.context.rules
    if (classify !== undefined) return this.decide(true, value)
    budget?.deposit('success', this.nowMs)
    this.emitExecuted('success')
    return undefined
  }

  /** Judges an error. Returns the delay before the next attempt; undefined if the error is the call's result. */
  private delayAfterError(error: unknown): number | undefined {
    const delayMs = this.decide(false, error)
    // An outer policy may pass the error to user code, which may read its attempts, before it leaves the shield.
    if (delayMs === undefined && this.attempt.attempt > 1) rememberCall(error, this.attempt.root)
    return delayMs
  }

  private decide(ok: boolean, valueOrError: unknown): number | undefined {
    const { classify } = this.context.rules
    const error = ok ? undefined : valueOrError
    try {
      const verdict = ok ? judgeValue(classify, valueOrError, this.attempt) : judgeError(classify, error, this.attempt)
      if (!ok || verdict === 'failure') return this.retryOrStop(ok, verdict, valueOrError)
      if (verdict === 'success') this.context.rules.budget?.deposit('success', this.nowMs)
      this.emitExecuted(verdict)
      return undefined
    } catch (thrown) {
      // A classifier, a custom backoff or a random source that throws says nothing about the dependency.
      this.emitExecuted('ignored', thrown)
      this.noteStop('failed')
      throw ok ? thrown : withCause(thrown, error)
    }
  }

  private retryOrStop(ok: boolean, verdict: Verdict, valueOrError: unknown): number | undefined {
    const error = ok ? undefined : valueOrError
    const { binding, rules } = this.context
    const { attempt: number, scope, deadline, random } = this.attempt
    const { shield, policy, events } = binding
    const now = this.nowMs
    const failed: FailedAttempt = {
      number,
      verdict,
      outcome: ok ? { ok, value: valueOrError } : { ok, error },
      cancelled: scope?.cancellation !== undefined,
      delivered: this.root.readerTime !== undefined,
      deadline,
      firstStartedMs: this.startedMs,
      previousDelayMs: this.history?.delayMs,
    }
    // First, because a custom backoff may throw.
    this.record(verdict, error, now)
    const delayOrReason = nextDelayMs(rules, failed, now, random)
    if (typeof delayOrReason === 'number') {
      if (events.hasListeners('retry')) {
        const event = { shield, policy, attempt: number, delayMs: delayOrReason, error }
        events.emit('retry', ok ? { ...event, value: valueOrError } : event)
      }
      return delayOrReason
    }
    this.stop(delayOrReason, verdict, error)
    return undefined
  }

  /** Records the end of a call that did not succeed. */
  private stop(reason: StopReason, verdict: Verdict, error: unknown): void {
    this.noteStop(reason)
    // A refusal says nothing about the dependency, but an earlier attempt may have reached it and failed.
    const refused = isRefusal(error)
    const lastFailure = refused ? this.history?.log.lastFailure : undefined
    if (refused) withLastFailure(error, lastFailure?.error, this.root)
    const final = lastFailure === undefined ? verdict : 'failure'
    if (final === 'failure') this.context.counters.exhausted += 1
    this.emitExecuted(final, error)
  }

  private noteStop(reason: StopReason | 'failed'): void {
    const { policy } = this.context.binding
    addNote(this.attempt.root, { policy, state: reason, attempts: this.history?.log.attempts ?? [] })
  }

  /**
   * Notes the attempts so far when the call is cancelled. Inside a custom policy the running attempt may end only after
   * the call has ended: the error has left without the note that the end of the attempt makes.
   */
  private noteCancelled({ by, reason }: Cancellation): void {
    const { attempt, history, context } = this
    const { policy, clock } = context.binding
    const { log, startedMs: startedAt } = history as History
    const isRunning = log.attempts.at(-1)?.number !== attempt.attempt
    const durationMs = clock.now() - startedAt
    const outcome = by === 'caller' ? 'ignored' : 'failure'
    const running = { number: attempt.attempt, startedAt, durationMs, outcome, error: reason } as const
    const attempts = isRunning ? [...log.attempts, running] : log.attempts
    addNote(attempt.root, { policy, state: 'cancelled', attempts })
  }

  private record(verdict: Verdict, error: unknown, now: number): void {
    this.history ??= { startedMs: this.startedMs, delayMs: undefined, log: new AttemptLog() }
    const { startedMs: startedAt, log } = this.history
    log.add({ number: this.attempt.attempt, startedAt, durationMs: now - startedAt, outcome: verdict, error })
  }

  /** The first outcome comes straight from the policies inside. Later ones come after a wait. */
  private get nowMs(): number {
    const { clock } = this.attempt
    return this.history === undefined ? instantMs(clock) : clock.now()
  }

  private emitExecuted(verdict: Verdict, error?: unknown): void {
    const { binding } = this.context
    if (!binding.events.hasExecutedListeners) return
    const attempts = this.attempt.attempt
    emitExecuted(binding, 'retry', outcomeOf(verdict, attempts), this.nowMs - this.startedMs, error, attempts)
  }
}
