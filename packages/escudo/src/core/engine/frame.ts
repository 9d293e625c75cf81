import { rememberCall } from '../explain.ts'
import type { CallRoot } from './call.ts'

// How an outcome travels outwards. A call of a shield enters all its policies at once, synchronously, and each leaves
// a frame behind; when the operation has settled, the outcome passes through the frames from the innermost to the
// outermost, again synchronously. So a call has one promise to wait for, and not one for each policy: a promise for
// each layer cost more than all policies together (`npm run bench`).

/**
 * What becomes of an outcome on its way out: the value with which the call settles, a promise of it where a policy goes
 * on (a retry that waits), or a {@link Failure}.
 */
export type FrameResult = unknown

/** What goes outwards beside an error. */
export class Trail {
  /** The call that failed; undefined where a frame itself threw, and nobody knows better. */
  declare readonly root: CallRoot | undefined
  /**
   * What is still at work although the call was cut and waits for it no longer. Whoever holds a place for that work
   * holds it until this promise has settled. A timeout takes it off: further out nothing is held.
   */
  declare held: PromiseLike<unknown> | undefined

  constructor(root: CallRoot | undefined, held?: PromiseLike<unknown>) {
    this.root = root
    this.held = held
  }
}

/** One policy's part in one call. */
export interface Frame {
  /** The frame of the next policy further out. Undefined for the end of the way. */
  readonly outer: Frame | undefined
  /** The call, where the frame may run code that throws. */
  readonly root?: CallRoot
  /** What stands inside came to a value. */
  onValue(value: unknown): FrameResult
  /** What stands inside failed. */
  onError(error: unknown, trail: Trail): FrameResult
}

/** An error that has passed all frames: a value on its way, so that nothing is thrown, and caught, at each of them. */
export class Failure {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** Hands a value to a frame. What the frame's own code throws is an error of that policy, and goes on from there. */
export function passValue(frame: Frame, value: unknown): FrameResult {
  try {
    return frame.onValue(value)
  } catch (error) {
    return frame.outer === undefined ? new Failure(error) : passError(frame.outer, error, new Trail(frame.root))
  }
}

/** Hands an error to a frame. */
export function passError(frame: Frame, error: unknown, trail: Trail): FrameResult {
  try {
    return frame.onError(error, trail)
  } catch (later) {
    // Beyond the end there is nobody to hear of it: only a full stack comes so far.
    return frame.outer === undefined ? new Failure(later) : passError(frame.outer, later, trail)
  }
}

/** The end of the way of a whole call: its outcome is what the caller gets. Never throws. */
export const END: Frame = {
  outer: undefined,
  onValue: (value) => value,
  onError(error, { root }) {
    if (root !== undefined) rememberCall(error, root)
    return new Failure(error)
  },
}

/** The end of the way within a reaction to a promise: the promise that was derived rejects where the call has failed. */
export function unwrap(passage: FrameResult): unknown {
  if (passage instanceof Failure) throw passage.error
  return passage
}

const SETTLED = Promise.resolve()

/** The end of the way where the call was entered: a promise for whoever called. */
export function toPromise(passage: FrameResult): Promise<unknown> {
  if (passage instanceof Promise) return passage
  if (passage instanceof Failure) return rejectInMicrotask(passage.error)
  return Promise.resolve(passage)
}

/**
 * A promise that is rejected one microtask from now, when its caller has begun to wait for it. One that is rejected
 * when nobody waits yet makes the runtime note an unhandled rejection, and then take the note back: that alone costs
 * more than a refusal and its error, and refusals are the hot path of an outage.
 */
export function rejectInMicrotask(error: unknown): Promise<never> {
  return new Promise((_resolve, reject) => {
    SETTLED.then(() => reject(error))
  })
}
