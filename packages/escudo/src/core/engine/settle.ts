import { isAsyncIterator, iteratorReturned } from './async-iterator.ts'
import type { CallState } from './call.ts'
import { type Cancellation, type CancelScope, Watcher } from './cancel-scope.ts'
import { discard } from './discard.ts'
import { Failure, type Frame, type FrameResult, passFailure, passFirst, unwrap } from './frame.ts'
import { endInstant } from './instant.ts'

/**
 * Waits for the result of an operation or for the cancellation of its call, whichever comes first.
 *
 * An operation that ignores its signal therefore delays nothing. The frame runs in the asynchronous context of the
 * call, not in that of the code that cancelled the call.
 */
export function settle(result: unknown, call: CallState, frame: Frame): FrameResult {
  endInstant()
  const { scope } = call
  let work: Promise<unknown> | undefined
  if (typeof result === 'object' ? result !== null : typeof result === 'function') {
    try {
      // Accepts any thenable; an error thrown by its `then` becomes a rejection.
      work = Promise.resolve(result)
    } catch (error) {
      // The promise has a `constructor` that throws.
      return passFailure(frame, new Failure(error, call.root))
    }
  }
  if (scope === undefined) return work === undefined ? passFirst(frame, result) : waitFor(work, call, frame)
  if (scope === call.partScope) {
    return work === undefined ? passFirst(frame, result) : new PartWait(work, scope).follow(call, frame)
  }
  const { cancellation } = scope
  if (cancellation !== undefined) {
    if (work !== undefined) scope.addStillRunning(discardLate(work))
    return passFailure(frame, new Failure(cancellation.reason, call.root, work))
  }
  return work === undefined ? passFirst(frame, result) : new Wait(work, scope, call, frame).race()
}

// The built-in method, as `await` uses it: a promise may override `then`.
const { then } = Promise.prototype

/** Waits for a promise. No scope of this part of the shield can end the wait early. */
export function waitFor(work: Promise<unknown>, call: CallState, frame: Frame): Promise<unknown> {
  return then.call(
    work,
    (value) => endWithValue(frame, value, call),
    // If a part inside was cancelled, its work may still be running.
    (error) => endWithError(frame, error, call, call.scope && allRunning(call.scope, undefined)),
  )
}

/**
 * Handles the end of work that no caller waits for any more: releases what its value holds, and handles its rejection so
 * that the runtime reports none.
 */
export function discardLate(work: Promise<unknown>): Promise<unknown> {
  then.call(work, discard, () => {})
  return work
}

/** Ends a call with the value of a promise. Only objects are checked, because every call pays for it. */
function endWithValue(frame: Frame, value: unknown, call: CallState): unknown {
  if (typeof value !== 'object' || value === null || !isAsyncIterator(value)) return unwrap(passFirst(frame, value))
  discard(value)
  return endWithError(frame, iteratorReturned(call.root.host.name), call)
}

function endWithError(
  frame: Frame,
  error: unknown,
  call: CallState,
  stillRunning?: PromiseLike<unknown> | undefined,
): unknown {
  return unwrap(passFailure(frame, new Failure(error, call.root, stillRunning)))
}

/**
 * Returns the work that is still running after its scope was cancelled; undefined if there is none.
 *
 * This is `work` and what the scope has recorded: a custom policy may settle on cancellation while the operation that
 * it called is still running.
 */
export function allRunning(scope: CancelScope, work: Promise<unknown> | undefined): PromiseLike<unknown> | undefined {
  const { stillRunning } = scope
  if (stillRunning === undefined) return work
  return Promise.allSettled(work === undefined ? stillRunning : [work, ...stillRunning])
}

// All promises share one executor and one holder for its arguments. Closures would be half of the garbage of a call.
type Settle = (outcome: unknown) => void
const nothing: Settle = () => {}
const captured: { resolve: Settle; reject: Settle } = { resolve: nothing, reject: nothing }
const capture = (resolve: Settle, reject: Settle): void => {
  captured.resolve = resolve
  captured.reject = reject
}

/**
 * Waits for an operation inside a custom policy, when only a scope outside that policy can cancel the operation.
 *
 * The wait ends only with the operation, so that the custom policy sees the real outcome. On cancellation, the part
 * outside the policy settles earlier; it receives the operation as still running.
 */
class PartWait extends Watcher {
  declare private readonly work: Promise<unknown>
  declare private readonly within: CancelScope

  constructor(work: Promise<unknown>, within: CancelScope) {
    super()
    this.work = work
    this.within = within
  }

  follow(call: CallState, frame: Frame): Promise<unknown> {
    this.watch(this.within)
    return then.call(
      this.work,
      (value) => {
        this.unwatch()
        return endWithValue(frame, value, call)
      },
      (error) => {
        this.unwatch()
        return endWithError(frame, error, call)
      },
    )
  }

  override onCancel(): void {
    this.within.addStillRunning(this.work)
  }
}

/** One wait for an operation that can be cancelled. */
export class Wait extends Watcher {
  declare protected readonly work: Promise<unknown>
  declare protected readonly within: CancelScope
  declare private readonly call: CallState
  declare private readonly frame: Frame
  declare private reject: ((reason: unknown) => void) | undefined
  declare private cancelled: boolean

  constructor(work: Promise<unknown>, within: CancelScope, call: CallState, frame: Frame) {
    super()
    this.work = work
    this.within = within
    this.call = call
    this.frame = frame
    this.reject = undefined
    this.cancelled = false
  }

  race(): Promise<unknown> {
    // An intermediate promise, which the work or the cancellation settles. The work calls the native `resolve` and
    // `reject`, not closures: the runtime follows them to build the async stack trace from the operation to the caller.
    const race = new Promise(capture)
    const { resolve, reject } = captured
    captured.resolve = nothing
    captured.reject = nothing
    this.reject = reject
    then.call(this.work, resolve, reject)
    this.watch(this.within)
    return race.then(
      (value) => {
        this.unwatch()
        return endWithValue(this.frame, value, this.call)
      },
      (error) => {
        this.unwatch()
        return endWithError(this.frame, error, this.call, this.cancelled ? this.stillRunning() : undefined)
      },
    )
  }

  override onCancel(cancellation: Cancellation): void {
    this.cancelled = true
    this.recordRunning()
    discardLate(this.work)
    this.reject?.(cancellation.reason)
  }

  /** Records the work on cancellation. The frame receives the failure one microtask later, which would be too late. */
  protected recordRunning(): void {
    this.within.addStillRunning(this.work)
  }

  protected stillRunning(): PromiseLike<unknown> | undefined {
    return this.work
  }
}
