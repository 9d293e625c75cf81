import type { CallRoot, CallState } from '../core/call.ts'
import { type Frame, type Passage, passError, passValue, type Trail } from '../core/frame.ts'
import type { Classify, Verdict } from '../core/outcome.ts'
import type { Binding } from '../core/policy.ts'
import { type Cut, Watcher } from '../core/scope.ts'
import type { Ticket } from '../mechanisms/breaker.ts'
import { judgeError, judgeValue } from './judge.ts'

/** What all calls of one circuit breaker in one shield have in common. */
export interface BreakerContext {
  readonly binding: Binding
  readonly classify: Classify | undefined
  /** Gives a ticket back; false for a result that came too late to count. */
  readonly settle: (ticket: Ticket, verdict: Verdict) => boolean
  /** Notes the breaker's state on a call that failed. */
  readonly note: (root: CallRoot) => void
}

/**
 * One call that a circuit breaker has let through, with its ticket. It watches what can cut the call: then the ticket
 * is settled at once, whether or not the operation listens.
 */
export class BreakerFrame extends Watcher implements Frame {
  declare readonly outer: Frame
  declare private readonly call: CallState
  declare private readonly context: BreakerContext
  /** Undefined once it has been given back. */
  declare private ticket: Ticket | undefined

  constructor(outer: Frame, call: CallState, ticket: Ticket, context: BreakerContext) {
    super()
    this.outer = outer
    this.call = call
    this.context = context
    this.ticket = ticket
  }

  get root(): CallRoot {
    return this.call.root
  }

  onValue(value: unknown): Passage {
    const { classify } = this.context
    this.end(classify === undefined ? 'success' : this.judged(() => judgeValue(classify, value, this.call)))
    return passValue(this.outer, value)
  }

  onError(error: unknown, trail: Trail): Passage {
    this.end(this.judged(() => judgeError(this.context.classify, error, this.call)))
    if (trail.root !== undefined) this.context.note(trail.root)
    return passError(this.outer, error, trail)
  }

  override onCut(cut: Cut): void {
    this.end(cut.by === 'caller' ? 'ignored' : 'failure')
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

  private end(verdict: Verdict): void {
    const { ticket, context } = this
    if (ticket === undefined) return
    this.ticket = undefined
    this.unwatch()
    const counted = context.settle(ticket, verdict)
    const { binding } = context
    if (binding.events.hearsExecuted) executed(binding, verdict)
    if (!counted && verdict !== 'ignored') late(binding, verdict)
  }
}

// Functions of their own, so that the one that runs at every call stays small.

function executed({ events, shield, policy }: Binding, outcome: Verdict): void {
  events.emit('executed', { type: 'executed', shield, policy, policyType: 'circuitBreaker', outcome, attempts: 1 })
}

function late({ events, shield, policy }: Binding, verdict: 'success' | 'failure'): void {
  if (events.hears('late')) events.emit('late', { shield, policy, verdict })
}
