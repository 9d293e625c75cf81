import type { Binding } from '../../core/binding.ts'
import { afterWait, type Call, type CallState } from '../../core/engine/call.ts'
import type { Cancellation } from '../../core/engine/cancel-scope.ts'
import { discard } from '../../core/engine/discard.ts'
import { Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import { expireOverdue } from '../../core/engine/late-start.ts'
import { settle } from '../../core/engine/settle.ts'
import { hasCallWatchers } from '../../core/events/call-events.ts'
import { describe } from '../../core/events/events.ts'
import { rememberCall } from '../../core/explain/failed-call.ts'
import { addNote } from '../../core/explain/notes.ts'
import { isMisuse } from '../../core/misuse-error.ts'
import type { Classify } from '../../core/outcome.ts'
import { withCause } from '../../core/secondary-error.ts'
import { isFailure } from './options.ts'

/** What all calls of one fallback in one shield share. */
export interface FallbackContext {
  readonly binding: Binding
  readonly when: (error: unknown) => boolean
  readonly classify: Classify | undefined
  /** The substitute, or the function that returns it. */
  readonly value: unknown
}

/** One call of a fallback. */
export class FallbackFrame implements Frame {
  declare readonly outer: Frame
  declare protected readonly call: CallState
  declare protected readonly context: FallbackContext

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
    // A substitute would hide a mistake in the program, and items cannot be taken back.
    if (isMisuse(error) || call.root.readerTime !== undefined) return passFailure(outer, failure)
    const cancellation = this.cancellation()
    if (cancellation !== undefined) {
      return passFailure(outer, new Failure(cancellation.reason, failure.root, failure.stillRunning))
    }
    const hasListeners = binding.events.hasListeners('fallback')
    // The user's code may ask `explain()` or `attemptsOf()` about the error before it leaves the shield.
    if (hasListeners || when !== isFailure || typeof value === 'function') rememberCall(error, call.root)
    if (!this.matches(error)) return passFailure(outer, failure)
    return this.replace({ error }, hasListeners)
  }

  /** Why the call was cancelled, if it was: its caller no longer waits for a substitute. */
  protected cancellation(): Cancellation | undefined {
    // A timer may be overdue. A copy: policies outside still need the instant at which the call entered them.
    return expireOverdue(afterWait(this.call), Number.POSITIVE_INFINITY, true)
  }

  protected matches(error: unknown): boolean {
    try {
      return this.context.when(error)
    } catch (thrown) {
      throw withCause(thrown, error)
    }
  }

  /** Settles the call with the substitute. */
  protected replace(replaced: Replaced, hasListeners: boolean): FrameResult {
    const { call, outer } = this
    const { binding, value } = this.context
    const { shield, policy, events } = binding
    if (hasListeners) events.emit('fallback', { shield, policy, ...replaced })
    if (hasCallWatchers()) call.root.markDegraded()
    if (typeof value === 'function') {
      return settle(substitute(value as Substitute, replaced, call, policy), call, outer)
    }
    if ('value' in replaced) discard(replaced.value)
    return settle(value, call, outer)
  }
}

/** What a substitute replaces: an error, or a value that the classifier rejected. */
interface Replaced {
  readonly error: unknown
  readonly value?: unknown
}

type Substitute = (error: unknown, call: Call, value?: unknown) => unknown

async function substitute(make: Substitute, replaced: Replaced, call: CallState, policy: string): Promise<unknown> {
  const { error } = replaced
  if ('value' in replaced) return await substituteValue(make, replaced.value, call, policy)
  try {
    return await make(error, call)
  } catch (thrown) {
    // A function that throws the original error declines to replace it.
    if (thrown === error) throw error
    addNote(call.root, { policy, state: 'failed', facts: { replaced: describe(error) } })
    throw withCause(thrown, error)
  }
}

/** Releases the value, unless the function returns it. */
async function substituteValue(make: Substitute, value: unknown, call: CallState, policy: string): Promise<unknown> {
  let result: unknown
  try {
    result = await make(undefined, call, value)
  } catch (thrown) {
    discard(value)
    addNote(call.root, { policy, state: 'failed', facts: { replaced: 'a value' } })
    throw thrown
  }
  if (result !== value) discard(value)
  return result
}
