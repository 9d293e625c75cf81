import type { Binding } from '../../core/binding.ts'
import type { Call, CallState } from '../../core/engine/call.ts'
import { type Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import { settle } from '../../core/engine/settle.ts'
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
    // The caller of a cancelled call no longer waits for a substitute.
    if (this.call.scope?.cancellation !== undefined || !matches(when, error)) return passFailure(this.outer, failure)
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
