import { rememberCall } from '../explain/failed-call.ts'
import type { CallRoot } from './call.ts'
import { discard } from './discard.ts'
import { endInstant } from './instant.ts'

// How an outcome travels outwards. A call enters all policies of its shield at once, synchronously, and each adds a
// frame. When the operation settles, the outcome passes through the frames, innermost first, again synchronously. A
// call therefore needs one promise. A promise per policy would cost more than all policies do (`npm run bench`).

/**
 * What a frame returns: the value with which the call settles, a {@link Failure}, or a promise of the value if the
 * policy continues later (a retry that waits).
 */
export type FrameResult = unknown

/** An error on its way out. A value, so that no frame has to throw and catch it. */
export class Failure {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly error: unknown
  /** The call that failed; undefined if a frame threw and does not know its call. */
  declare readonly root: CallRoot | undefined
  /**
   * The work that continues although its call was cancelled. A bulkhead keeps the permit until this promise settles.
   * A timeout clears it: policies outside a timeout do not wait for the work inside.
   */
  declare readonly stillRunning: PromiseLike<unknown> | undefined

  constructor(error: unknown, root: CallRoot | undefined, stillRunning?: PromiseLike<unknown>) {
    this.error = error
    this.root = root
    this.stillRunning = stillRunning
  }
}

/** One policy's part in one call. */
export interface Frame {
  /** The frame of the next policy outwards; undefined for the last one. */
  readonly outer: Frame | undefined
  /** The call, for frames that run code which may throw. */
  readonly root?: CallRoot
  /** The inner policies returned a value. */
  onValue(value: unknown): FrameResult
  /** The inner policies failed. */
  onFailure(failure: Failure): FrameResult
}

/** Passes a value to a frame. If the frame throws, the error continues at the next frame outwards. */
export function passValue(frame: Frame, value: unknown): FrameResult {
  // Nearly every call ends here, and a comparison is cheaper than a call.
  if (frame === END) return value
  try {
    return frame.onValue(value)
  } catch (error) {
    return passThrown(frame, value, error)
  }
}

/** Passes the value of an operation to the innermost frame. */
export function passFirst(frame: Frame, value: unknown): FrameResult {
  // Not `passValue`: the runtime learns for each function separately which frames it calls. Otherwise it would put the
  // only frame of a shield into itself, again and again.
  try {
    return frame.onValue(value)
  } catch (error) {
    return passThrown(frame, value, error)
  }
}

/** A separate function, so that the runtime can put `passValue` into each frame that calls it. */
function passThrown(frame: Frame, value: unknown, error: unknown): FrameResult {
  // No outer frame receives the value.
  discard(value)
  const failure = new Failure(error, frame.root)
  return frame.outer === undefined ? failure : passFailure(frame.outer, failure)
}

/** Passes a failure to a frame. If the frame throws, the new error continues at the next frame outwards. */
export function passFailure(frame: Frame, failure: Failure): FrameResult {
  try {
    return frame.onFailure(failure)
  } catch (error) {
    const thrown = new Failure(error, failure.root, failure.stillRunning)
    // Only a stack overflow gets past the last frame.
    return frame.outer === undefined ? thrown : passFailure(frame.outer, thrown)
  }
}

/** The last frame of a call: its result is what the caller receives. Never throws. */
export const END: Frame = {
  outer: undefined,
  onValue: (value) => value,
  onFailure(failure) {
    if (failure.root !== undefined) rememberCall(failure.error, failure.root)
    return failure
  },
}

/** Ends the call inside a promise reaction: throws the error of a failure, so that the derived promise rejects. */
export function unwrap(result: FrameResult): unknown {
  endInstant()
  if (result instanceof Failure) throw result.error
  return result
}

const SETTLED = Promise.resolve()

/** Ends the call where it was entered. Returns the promise that the caller receives. */
export function toPromise(result: FrameResult): Promise<unknown> {
  endInstant()
  if (result instanceof Promise) return result
  if (result instanceof Failure) return rejectInMicrotask(result.error)
  return Promise.resolve(result)
}

/**
 * Returns a promise that rejects one microtask from now: its caller awaits it by then. A promise that is rejected
 * before it has a handler makes the runtime record an unhandled rejection and then withdraw it. That alone costs more
 * than a refusal and its error, and refusals are the hot path of an outage.
 */
export function rejectInMicrotask(error: unknown): Promise<never> {
  return new Promise((_resolve, reject) => {
    SETTLED.then(() => reject(error))
  })
}
