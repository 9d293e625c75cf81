import type { Binding } from '../../core/binding.ts'
import type { Call, CallState } from '../../core/engine/call.ts'
import { Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import { expireOverdue } from '../../core/engine/late-start.ts'
import { settle } from '../../core/engine/settle.ts'
import { isMisuse } from '../../core/misuse-error.ts'
import { withCause } from '../../core/secondary-error.ts'

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
    const { binding, when, value } = this.context
    // A substitute would hide a mistake in the program.
    if (isMisuse(error)) return passFailure(this.outer, failure)
    // The caller of a cancelled call no longer waits for a substitute. Its timer may be overdue.
    this.call.enteredMs = undefined
    const cancellation = expireOverdue(this.call)
    if (cancellation !== undefined) {
      return passFailure(this.outer, new Failure(cancellation.reason, failure.root, failure.stillRunning))
    }
    if (!matches(when, error)) return passFailure(this.outer, failure)
    const { shield, policy, events } = binding
    if (events.hasListeners('fallback')) events.emit('fallback', { shield, policy, error })
    if (typeof value !== 'function') return settle(value, this.call, this.outer)
    return settle(substitute(value as Substitute, error, this.call), this.call, this.outer)
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

async function substitute(make: Substitute, error: unknown, call: Call): Promise<unknown> {
  try {
    return await make(error, call)
  } catch (thrown) {
    // A function that throws the original error declines to replace it.
    throw thrown === error ? error : withCause(thrown, error)
  }
}
