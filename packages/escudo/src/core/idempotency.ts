import type { Call } from './engine/call.ts'
import type { Operation } from './operation.ts'

// An operation that knows its protocol declares its idempotency here, for a policy that runs it several times at once
// (a hedge). An operation holds its declaration itself: the garbage collector keeps the entries of a WeakMap for long, and
// an HTTP client declares every call.

/**
 * The effect of running an operation twice, in the terms of RFC 9110, section 9.2.
 *
 * - `safe`: a run changes nothing.
 * - `idempotent`: two runs have the effect of one, but a late run may undo a newer change.
 * - `unsafe`: each run has its own effect.
 */
export type Idempotency = 'safe' | 'idempotent' | 'unsafe'

const DECLARED: unique symbol = Symbol('escudo.idempotency')

interface Declaring {
  [DECLARED]?: Idempotency
}

const answerListeners = new WeakMap<Call, () => void>()

/** Declares the idempotency of an operation. Each of its calls must then report its answer with {@link answered}. */
export function declareIdempotency(operation: Operation<unknown>, idempotency: Idempotency): void {
  ;(operation as Declaring)[DECLARED] = idempotency
}

/** Returns what the operation declared, or undefined. */
export function idempotencyOf(operation: Operation<unknown>): Idempotency | undefined {
  return (operation as Declaring)[DECLARED]
}

/** Wraps an operation so that `listener` runs when its call is {@link answered}. */
export function onAnswer<T>(operation: Operation<T>, listener: () => void): Operation<T> {
  const wrapped: Operation<T> = (call) => {
    // Hedges may nest: each of them is notified.
    const outer = answerListeners.get(call)
    answerListeners.set(call, () => {
      listener()
      outer?.()
    })
    return operation(call)
  }
  const idempotency = idempotencyOf(operation)
  if (idempotency !== undefined) declareIdempotency(wrapped, idempotency)
  return wrapped
}

/**
 * Reports that this call has its answer, although its operation is still running (it streams a body).
 *
 * A hedge then starts no other attempt.
 */
export function answered(call: Call): void {
  answerListeners.get(call)?.()
}
