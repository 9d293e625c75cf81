import type { Binding } from '../../core/binding.ts'
import type { Call, CallState } from '../../core/engine/call.ts'
import { Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import { expireOverdue } from '../../core/engine/late-start.ts'
import { settle } from '../../core/engine/settle.ts'
import { hasCallWatchers } from '../../core/events/call-events.ts'
import { describe } from '../../core/events/events.ts'
import { rememberCall } from '../../core/explain/failed-call.ts'
import { addNote } from '../../core/explain/notes.ts'
import { isMisuse } from '../../core/misuse-error.ts'
import { withCause } from '../../core/secondary-error.ts'
import { isFailure } from './options.ts'

/** What all calls of one fallback in one shield share. */
export interface FallbackContext {
  readonly binding: Binding
  readonly when: (error: unknown) => boolean
  /** The substitute, or the function that returns it. */
  readonly value: unknown
}

/** One call of a fallback. */
export class FallbackFrame implements Frame {
  declare readonly outer: Frame
  declare private readonly call: CallState
  declare private readonly context: FallbackContext

  constructor(outer: Frame, call: CallState, context: FallbackContext) {
    this.outer = outer
    this.call = call
    this.context = context
  }

  onValue(value: unknown): FrameResult {
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    const { error } = failure
    const { call, outer } = this
    const { binding, when, value } = this.context
    // A substitute would hide a mistake in the program.
    if (isMisuse(error)) return passFailure(outer, failure)
    // The caller of a cancelled call no longer waits for a substitute. Its timer may be overdue.
    call.enteredMs = undefined
    const cancellation = expireOverdue(call, Number.POSITIVE_INFINITY, true)
    if (cancellation !== undefined) {
      return passFailure(outer, new Failure(cancellation.reason, failure.root, failure.stillRunning))
    }
    const { shield, policy, events } = binding
    const hasListeners = events.hasListeners('fallback')
    // The user's code may ask `explain()` or `attemptsOf()` about the error before it leaves the shield.
    if (hasListeners || when !== isFailure || typeof value === 'function') rememberCall(error, call.root)
    if (!matches(when, error)) return passFailure(outer, failure)
    if (hasListeners) events.emit('fallback', { shield, policy, error })
    if (hasCallWatchers()) call.root.markDegraded()
    const make = value as Substitute
    return settle(typeof value === 'function' ? substitute(make, error, call, policy) : value, call, outer)
  }
}

type Substitute = (error: unknown, call: Call) => unknown

function matches(when: (error: unknown) => boolean, error: unknown): boolean {
  try {
    return when(error)
  } catch (thrown) {
    throw withCause(thrown, error)
  }
}

async function substitute(make: Substitute, error: unknown, call: CallState, policy: string): Promise<unknown> {
  try {
    return await make(error, call)
  } catch (thrown) {
    // A function that throws the original error declines to replace it.
    if (thrown === error) throw error
    addNote(call.root, { policy, state: 'failed', facts: { replaced: describe(error) } })
    throw withCause(thrown, error)
  }
}
