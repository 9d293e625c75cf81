import { type CallRoot, type CallState, enteredMs, withAttempt } from '../../core/engine/call.ts'
import { type Frame, type FrameResult, passError, passValue, Trail, unwrap } from '../../core/engine/frame.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { sleep } from '../../core/engine/sleep.ts'
import { addNote, forgetNotesInside } from '../../core/explain.ts'
import type { Verdict } from '../../core/outcome.ts'
import type { Binding, Operation } from '../../core/policy.ts'
import { AttemptLog } from '../shared/attempts.ts'
import { judgeError, judgeValue } from '../shared/judge.ts'
import { nextDelayMs, type RetryRules, type StopReason } from './state/next-delay.ts'

/** What `executed` tells of a retry. */
export const OUTCOMES = [
  'successful_without_retry',
  'successful_with_retry',
  'failed_without_retry',
  'failed_with_retry',
  // What says nothing about the dependency: a business error, the caller's abort, a refusal from further in.
  'ignored',
] as const

/** What the status of a retry shows. */
export interface RetryCounters {
  calls: number
  retries: number
  exhausted: number
}

/** What all calls of one retry in one shield have in common. */
interface RetryContext {
  readonly next: Layer
  readonly binding: Binding
  readonly rules: RetryRules
  readonly counters: RetryCounters
}

/** The layer of a retry. */
export function enterRetry(next: Layer, binding: Binding, rules: RetryRules, counters: RetryCounters): Layer {
  const context: RetryContext = { next, binding, rules, counters }
  return {
    enter(call, operation, outer) {
      counters.calls += 1
      const startedMs = enteredMs(call)
      rules.budget?.deposit('attempt', startedMs)
      // An attempt of a retry further out is this one's first.
      const first = call.attempt === 1 ? call : withAttempt(call, 1)
      return next.enter(first, operation, new RetryFrame(outer, context, first, operation, startedMs))
    },
  }
}

/** How one of the later attempts ended, handed back to the loop that made it. */
class AttemptFailure {
  readonly error: unknown
  readonly trail: Trail

  constructor(error: unknown, trail: Trail) {
    this.error = error
    this.trail = trail
  }
}

/** The end of the way of a later attempt. */
const ATTEMPT_END: Frame = {
  outer: undefined,
  onValue: (value) => value,
  onError: (error, trail) => new AttemptFailure(error, trail),
}

/** What a call remembers of its attempts, once one has failed. */
interface Past {
  /** When the attempt in hand began. */
  startedMs: number
  /** The delay before it; undefined for the first one. */
  delayMs: number | undefined
  readonly log: AttemptLog
}

/**
 * One call of a retry. The first attempt is a frame like any other, and most calls have no second one. The later
 * attempts are made by a loop, each as a way of its own: promises that adopt each other, one for each attempt, would
 * grow with their number.
 */
class RetryFrame implements Frame {
  declare readonly outer: Frame
  declare private readonly context: RetryContext
  declare private readonly operation: Operation<unknown>
  declare private readonly startedMs: number
  declare private attempt: CallState
  declare private past: Past | undefined

  constructor(outer: Frame, context: RetryContext, first: CallState, operation: Operation<unknown>, startedMs: number) {
    this.outer = outer
    this.context = context
    this.attempt = first
    this.operation = operation
    this.startedMs = startedMs
    this.past = undefined
  }

  get root(): CallRoot {
    return this.attempt.root
  }

  onValue(value: unknown): FrameResult {
    const delayMs = this.delayAfterValue(value)
    return delayMs === undefined ? passValue(this.outer, value) : this.goOn(delayMs)
  }

  onError(error: unknown, trail: Trail): FrameResult {
    const delayMs = this.delayAfterError(error)
    return delayMs === undefined ? passError(this.outer, error, trail) : this.goOn(delayMs)
  }

  private async goOn(delayMs: number): Promise<unknown> {
    let end: unknown
    try {
      end = await this.laterAttempts(delayMs)
    } catch (later) {
      end = new AttemptFailure(later, new Trail(this.attempt.root))
    }
    const { outer } = this
    return unwrap(end instanceof AttemptFailure ? passError(outer, end.error, end.trail) : passValue(outer, end))
  }

  /** Makes attempts until one is the last. */
  private async laterAttempts(firstDelayMs: number): Promise<unknown> {
    const { next, binding, counters } = this.context
    const { scope } = this.attempt
    for (let delayMs: number | undefined = firstDelayMs; ; ) {
      counters.retries += 1
      await sleep(delayMs, binding.clock, scope)
      if (scope?.cancellation !== undefined) {
        this.tell(scope.cancellation.by === 'caller' ? 'ignored' : 'failure')
        this.leaveNote('given up by its caller or cut by a timeout')
        return new AttemptFailure(scope.cancellation.reason, new Trail(this.attempt.root))
      }
      this.attempt = withAttempt(this.attempt, this.attempt.attempt + 1)
      forgetNotesInside(this.attempt.root, binding.policy)
      if (this.past !== undefined) {
        this.past.startedMs = enteredMs(this.attempt)
        this.past.delayMs = delayMs
      }
      const end = await next.enter(this.attempt, this.operation, ATTEMPT_END)
      try {
        delayMs = end instanceof AttemptFailure ? this.delayAfterError(end.error) : this.delayAfterValue(end)
      } catch (later) {
        // What is held is held whatever a classifier does.
        return new AttemptFailure(later, end instanceof AttemptFailure ? end.trail : new Trail(this.attempt.root))
      }
      if (delayMs === undefined) return end
    }
  }

  /** How long to wait before the next attempt, after one that came to a value; undefined when that value is the result. */
  private delayAfterValue(value: unknown): number | undefined {
    const { classify, budget } = this.context.rules
    if (classify !== undefined) return this.decide(true, value)
    budget?.deposit('success', this.attempt.clock.now())
    this.tell('success')
    return undefined
  }

  /** The same after an attempt that failed; undefined when its error is the result. */
  private delayAfterError(error: unknown): number | undefined {
    const delayMs = this.decide(false, error)
    if (delayMs === undefined && this.attempt.attempt > 1) this.past?.log.attachTo(error)
    return delayMs
  }

  private decide(ok: boolean, outcome: unknown): number | undefined {
    const { classify } = this.context.rules
    const error = ok ? undefined : outcome
    try {
      const verdict = ok ? judgeValue(classify, outcome, this.attempt) : judgeError(classify, error, this.attempt)
      if (!ok || verdict === 'failure') return this.retryOrStop(verdict, error)
      if (verdict === 'success') this.context.rules.budget?.deposit('success', this.attempt.clock.now())
      this.tell(verdict)
      return undefined
    } catch (thrown) {
      // Where a classifier throws, nothing is known about the dependency.
      this.tell('ignored')
      throw thrown
    }
  }

  private retryOrStop(verdict: Verdict, error: unknown): number | undefined {
    const { binding, counters, rules } = this.context
    const { attempt } = this
    const { shield, policy, events } = binding
    const delayMs = nextDelayMs(rules, {
      attempt,
      verdict,
      error,
      firstStartedMs: this.startedMs,
      previousDelayMs: this.past?.delayMs,
    })
    this.record(verdict, error)
    if (typeof delayMs === 'number') {
      const number = attempt.attempt
      if (events.hasListeners('retry')) events.emit('retry', { shield, policy, attempt: number, delayMs, error })
      return delayMs
    }
    this.leaveNote(delayMs)
    if (verdict === 'failure') counters.exhausted += 1
    this.tell(verdict)
    return undefined
  }

  private leaveNote(state: StopReason): void {
    const { policy } = this.context.binding
    addNote(this.attempt.root, { policy, state, attempts: this.past?.log.attempts ?? [] })
  }

  private record(outcome: Verdict, error: unknown): void {
    this.past ??= { startedMs: this.startedMs, delayMs: undefined, log: new AttemptLog() }
    const { startedMs, log } = this.past
    const { attempt: number, clock } = this.attempt
    log.add({ number, startedAt: startedMs, durationMs: clock.now() - startedMs, outcome, error })
  }

  /** Tells that the call is over. */
  private tell(verdict: Verdict): void {
    const { events, shield, policy } = this.context.binding
    if (!events.hasExecutedListeners) return
    const attempts = this.attempt.attempt
    const outcome: (typeof OUTCOMES)[number] =
      verdict === 'ignored'
        ? verdict
        : `${verdict === 'success' ? 'successful' : 'failed'}_${attempts === 1 ? 'without' : 'with'}_retry`
    events.emit('executed', { type: 'executed', shield, policy, policyType: 'retry', outcome, attempts })
  }
}
