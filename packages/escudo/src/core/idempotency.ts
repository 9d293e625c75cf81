import type { Call } from './engine/call.ts'
import type { Operation } from './operation.ts'

// What an operation that knows its protocol tells a policy that would run it several times at once. Kept beside the
// operation and the call, and not in them: hardly any operation has something to say, and no other policy asks.

/**
 * The effect of running an operation more than once, in the terms of RFC 9110 (9.2). `safe`: it changes nothing.
 * `idempotent`: two runs have the same effect as one, but a late run may overwrite a newer change. `unsafe`: each run
 * has its own effect.
 */
export type Idempotency = 'safe' | 'idempotent' | 'unsafe'

const repeats = new WeakMap<Operation<never>, Idempotency>()
const tellers = new WeakMap<Call, () => void>()

/** Declares what a second run of this operation would do. It must then say when it has {@link answered}. */
export function declareIdempotency(operation: Operation<unknown>, repeat: Idempotency): void {
  repeats.set(operation as Operation<never>, repeat)
}

/** What the operation declared; undefined for one that declared nothing. */
export function idempotencyOf(operation: Operation<unknown>): Idempotency | undefined {
  return repeats.get(operation as Operation<never>)
}

/** The same operation, whose {@link answered} is told to `tell` too. */
export function onAnswer<T>(operation: Operation<T>, tell: () => void): Operation<T> {
  const told: Operation<T> = (call) => {
    // Hedges may nest: each wants to know.
    const others = tellers.get(call)
    tellers.set(call, () => {
      tell()
      others?.()
    })
    return operation(call)
  }
  const repeat = idempotencyOf(operation)
  if (repeat !== undefined) declareIdempotency(told, repeat)
  return told
}

/**
 * Says that this call has its answer, although the operation goes on, as it does while a body streams: no other attempt
 * is wanted any more.
 */
export function answered(call: Call): void {
  tellers.get(call)?.()
}
