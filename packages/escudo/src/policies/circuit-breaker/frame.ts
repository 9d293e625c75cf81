import type { Binding } from '../../core/binding.ts'
import type { CallRoot, CallState } from '../../core/engine/call.ts'
import { enteredMs } from '../../core/engine/call.ts'
import { type Cancellation, Watcher } from '../../core/engine/cancel-scope.ts'
import { type Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import type { Classify, Verdict } from '../../core/outcome.ts'
import { executed } from '../shared/executed.ts'
import { judgeError, judgeValue } from '../shared/judge.ts'
import { retryAfterHintMs } from '../shared/retry-after-hint.ts'
import type { Circuits } from './circuits.ts'
import type { Breaker } from './state/breaker.ts'
import type { Permit } from './state/permit.ts'

/** What all calls of one circuit breaker in one shield have in common. */
export interface BreakerContext {
  readonly binding: Binding
  readonly classify: Classify | undefined
  /** Whether the trip looks at how long calls take: otherwise nobody reads the clock for it. */
  readonly timed: boolean
  readonly circuits: Circuits
  /** Notes the breaker's state on a call that failed. */
  readonly note: (root: CallRoot, breaker: Breaker, now: number) => void
}

/**
 * One call that a circuit breaker has let through, with its ticket. It watches what can cut the call: then the ticket
 * is settled at once, whether or not the operation listens.
 */
export class BreakerFrame extends Watcher implements Frame {
  declare readonly outer: Frame
  declare private readonly call: CallState
  declare private readonly context: BreakerContext
  declare private readonly breaker: Breaker
  /** Undefined once it has been given back. */
  declare private ticket: Permit | undefined
  declare private readonly startedMs: number | undefined

  constructor(outer: Frame, call: CallState, breaker: Breaker, ticket: Permit, context: BreakerContext) {
    super()
    this.outer = outer
    this.call = call
    this.context = context
    this.breaker = breaker
    this.ticket = ticket
    this.startedMs = context.timed ? enteredMs(call) : undefined
  }

  get root(): CallRoot {
    return this.call.root
  }

  onValue(value: unknown): FrameResult {
    const { classify } = this.context
    this.end(classify === undefined ? 'success' : this.judged(() => judgeValue(classify, value, this.call)))
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    const verdict = this.judged(() => judgeError(this.context.classify, failure.error, this.call))
    const { context } = this
    const now =
      this.end(verdict, verdict === 'failure' ? retryAfterHintMs(failure.error) : undefined) ??
      context.binding.clock.now()
    if (failure.root !== undefined) context.note(failure.root, this.breaker, now)
    return passFailure(this.outer, failure)
  }

  override onCancel(cut: Cancellation): void {
    const now = this.end(cut.by === 'caller' ? 'ignored' : 'failure')
    // Noted here, since behind a policy of somebody's own the outcome comes when the call is over for everybody else.
    if (now !== undefined) this.context.note(this.root, this.breaker, now)
  }

  /** Where a classifier throws, the ticket goes back as `ignored`: our own bug says nothing about the dependency. */
  private judged(judge: () => Verdict): Verdict {
    try {
      return judge()
    } catch (error) {
      this.end('ignored')
      throw error
    }
  }

  /** Gives the ticket back, once; and the instant at which it did. */
  private end(verdict: Verdict, retryAfterMs?: number): number | undefined {
    const { ticket, breaker, context } = this
    if (ticket === undefined) return undefined
    this.ticket = undefined
    this.unwatch()
    const { binding, circuits } = context
    const now = binding.clock.now()
    const durationMs = this.startedMs === undefined ? 0 : now - this.startedMs
    const counted = breaker.settle(ticket, verdict, now, retryAfterMs, durationMs)
    // What has been closed all along has nothing to wait for.
    if (ticket.probe || breaker.state !== 'closed') circuits.rearm(breaker)
    if (binding.events.hasExecutedListeners) executed(binding, 'circuitBreaker', verdict)
    if (!counted && verdict !== 'ignored') late(binding, verdict)
    return now
  }
}

/** A function of its own, so that the one that runs at every call stays small. */
function late({ events, shield, policy }: Binding, verdict: 'success' | 'failure'): void {
  if (events.hasListeners('late')) events.emit('late', { shield, policy, verdict })
}
