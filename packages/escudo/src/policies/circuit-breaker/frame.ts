import type { Binding } from '../../core/binding.ts'
import type { CallRoot, CallState } from '../../core/engine/call.ts'
import { type Cancellation, type CancelScope, Watcher } from '../../core/engine/cancel-scope.ts'
import { type Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import { instantMs } from '../../core/engine/instant.ts'
import type { Classify, Verdict } from '../../core/outcome.ts'
import { emitExecuted } from '../shared/executed.ts'
import { judgeError, judgeValue } from '../shared/judge.ts'
import { retryAfterHintMs } from '../shared/retry-after-hint.ts'
import type { Circuits } from './circuits.ts'
import { lastFailureOf, lastFailureOfValue } from './last-failure.ts'
import { type SlowLimit, SlowTimer } from './slow-timer.ts'
import type { Breaker } from './state/breaker.ts'
import type { Permit } from './state/permit.ts'

/** What all calls of one circuit breaker in one shield share. */
export interface BreakerContext {
  readonly binding: Binding
  readonly classify: Classify | undefined
  /** Whether the breaker refuses nothing. */
  readonly observes: boolean
  /** The limits after which a call is slow. Undefined if the trip needs no durations: calls are then not timed. */
  readonly slowLimits: readonly SlowLimit[] | undefined
  readonly circuits: Circuits
  /** Adds the breaker's state to the notes of a failed call. */
  readonly note: (root: CallRoot, breaker: Breaker, now: number) => void
  /** Makes the refusal of a call that would begin too late. */
  readonly refuse: (root: CallRoot, breaker: Breaker) => unknown
}

/**
 * A call that holds a permit of a circuit breaker.
 *
 * It watches the call's scope: a cancellation settles the permit immediately, even if the operation ignores its signal.
 */
export class BreakerFrame extends Watcher implements Frame {
  declare readonly outer: Frame
  declare private readonly call: CallState
  declare private readonly context: BreakerContext
  declare private readonly breaker: Breaker
  /** Undefined once it is settled. */
  declare private permit: Permit | undefined
  /** Undefined if the call is not timed. */
  declare private readonly timer: SlowTimer | undefined

  constructor(outer: Frame, call: CallState, breaker: Breaker, permit: Permit, context: BreakerContext) {
    super()
    this.outer = outer
    this.call = call
    this.context = context
    this.breaker = breaker
    this.permit = permit
    const { slowLimits } = context
    this.timer =
      slowLimits === undefined ? undefined : new SlowTimer(call, breaker, permit, slowLimits, context.circuits)
  }

  get root(): CallRoot {
    return this.call.root
  }

  onValue(value: unknown): FrameResult {
    const { classify } = this.context
    if (classify === undefined) this.settle('success', this.nowMs)
    else {
      const verdict = this.judged(() => judgeValue(classify, value, this.call))
      this.settle(verdict, this.nowMs, value, lastFailureOfValue)
    }
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    const verdict = this.judged(() => judgeError(this.context.classify, failure.error, this.call))
    const now = this.nowMs
    this.settle(verdict, now, failure.error)
    if (failure.root !== undefined) this.context.note(failure.root, this.breaker, now)
    return passFailure(this.outer, failure)
  }

  override onCancel(cancellation: Cancellation, _toAbort?: CancelScope[]): void {
    if (this.permit === undefined) return
    const now = this.context.binding.clock.now()
    this.settle(cancellation.by === 'caller' ? 'ignored' : 'failure', now, cancellation.reason)
    // The note is added here, because inside a custom policy `onFailure` may run only after the call has ended.
    this.context.note(this.root, this.breaker, now)
  }

  /** If the classifier throws, the permit is settled as `ignored`: the bug says nothing about the dependency. */
  private judged(judge: () => Verdict): Verdict {
    try {
      return judge()
    } catch (error) {
      this.settle('ignored', this.nowMs)
      throw error
    }
  }

  /**
   * Settles the permit, once.
   *
   * @param outcome the error, or the value that a classifier judged
   * @param describe extracts from a failure what the breaker keeps of it
   */
  private settle(verdict: Verdict, now: number, outcome?: unknown, describe = lastFailureOf): void {
    const { permit, breaker, context } = this
    if (permit === undefined) return
    this.permit = undefined
    this.unwatch()
    const { binding, circuits } = context
    const { timer } = this
    const durationMs = timer === undefined ? 0 : timer.end(now)
    const failed = verdict === 'failure'
    const hintMs = failed ? retryAfterHintMs(outcome) : undefined
    const lastFailure = failed ? describe(outcome, now) : undefined
    const counted = breaker.settle(permit, verdict, now, hintMs, durationMs, timer?.countedSlowMs, lastFailure)
    // Skipped on the fast path: a circuit that stays closed has no timer and no health check.
    if (permit.probe || breaker.state !== 'closed') circuits.rearm(breaker)
    if (binding.events.hasExecutedListeners) {
      this.emitExecuted(verdict, now, describe === lastFailureOf ? outcome : undefined)
    }
    if (!counted && verdict !== 'ignored') emitLate(binding, verdict)
  }

  private get nowMs(): number {
    return instantMs(this.context.binding.clock)
  }

  private emitExecuted(verdict: Verdict, now: number, error: unknown): void {
    // Known, because calls are timed while there are listeners; unless the listener came after the call.
    const startedMs = this.call.enteredMs ?? now
    emitExecuted(this.context.binding, 'circuitBreaker', verdict, now - startedMs, error)
  }
}

/** A separate function, so that `settle`, which runs at every call, stays small. */
function emitLate({ events, shield, policy }: Binding, verdict: 'success' | 'failure'): void {
  if (events.hasListeners('late')) events.emit('late', { shield, policy, verdict })
}
