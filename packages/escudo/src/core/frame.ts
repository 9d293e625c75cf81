// How an outcome travels outwards. A call of a shield enters all its policies at once, synchronously, and each leaves
// a frame behind; when the operation has settled, the outcome passes through the frames from the innermost to the
// outermost, again synchronously. So a call has one promise to wait for, and not one for each policy: a promise for
// each layer cost more than all policies together (`npm run bench`).

/**
 * What becomes of an outcome on its way out: the value with which the call settles, a promise of it where a policy goes
 * on (a retry that waits), or a {@link Failure}.
 */
export type Passage = unknown

/** One policy's part in one call. */
export interface Frame {
  /** The frame of the next policy further out. Undefined for the end of the way. */
  readonly outer: Frame | undefined
  /** What stands inside came to a value. */
  onValue(value: unknown): Passage
  /**
   * What stands inside failed.
   *
   * @param held what is still at work although the call was cut and waits for it no longer; whoever holds a place for
   * that work holds it until this promise has settled
   */
  onError(error: unknown, held: PromiseLike<unknown> | undefined): Passage
}

/** An error that has passed all frames: a value on its way, so that nothing is thrown, and caught, at each of them. */
export class Failure {
  readonly error: unknown
  readonly held: PromiseLike<unknown> | undefined

  constructor(error: unknown, held: PromiseLike<unknown> | undefined) {
    this.error = error
    this.held = held
  }
}

/** Hands a value to a frame. What the frame's own code throws is an error of that policy, and goes on from there. */
export function passValue(frame: Frame, value: unknown): Passage {
  try {
    return frame.onValue(value)
  } catch (error) {
    return passError(frame.outer as Frame, error, undefined)
  }
}

/** Hands an error to a frame. */
export function passError(frame: Frame, error: unknown, held: PromiseLike<unknown> | undefined): Passage {
  try {
    return frame.onError(error, held)
  } catch (later) {
    return passError(frame.outer as Frame, later, held)
  }
}

/** The end of the way of a whole call: its outcome is what the caller gets. Never throws. */
export const END: Frame = {
  outer: undefined,
  onValue: (value) => value,
  onError: (error, held) => new Failure(error, held),
}

/** The end of the way within a reaction to a promise: the promise that was derived rejects where the call has failed. */
export function finish(passage: Passage): unknown {
  if (passage instanceof Failure) throw passage.error
  return passage
}

const SETTLED = Promise.resolve()

/** The end of the way where the call was entered: a promise for whoever called. */
export function promised(passage: Passage): Promise<unknown> {
  if (passage instanceof Promise) return passage
  if (passage instanceof Failure) return rejectedSoon(passage.error)
  return Promise.resolve(passage)
}

/**
 * A promise that is rejected one microtask from now, when its caller has begun to wait for it. One that is rejected
 * when nobody waits yet makes the runtime note an unhandled rejection, and then take the note back: that alone costs
 * more than a refusal and its error, and refusals are the hot path of an outage.
 */
export function rejectedSoon(error: unknown): Promise<never> {
  return new Promise((_resolve, reject) => {
    SETTLED.then(() => reject(error))
  })
}
