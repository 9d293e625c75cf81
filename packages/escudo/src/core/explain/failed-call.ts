import { ReturnArgument } from '../../errors/return-argument.ts'
import { type CallRoot, startedAfter } from '../engine/call.ts'
import type { Note } from '../note.ts'

/** The call with which an error left a shield. */
export interface FailedCall {
  readonly root: CallRoot
  /** The notes at the moment when the error left the shield. */
  readonly notes: readonly Note[]
  /** Whether the operation was called, in this call or in an earlier one that failed with the same object. */
  readonly called: boolean
  /** The call with which the same error left an inner shield before. */
  readonly inside: FailedCall | undefined
  /** The number of calls in this chain of `inside`, itself included. */
  readonly depth: number
}

// The same error object may pass through shields again and again. It keeps at most this many calls.
const DEPTH_MAX = 4

const NO_NOTES: readonly Note[] = []

/** Stores on an error the call with which it left a shield. An error that is no object is skipped. */
export function rememberCall(error: unknown, root: CallRoot): void {
  if (!isObject(error) || root.isAbandoned) return
  const earlier = FailedCallField.get(error)
  const inside = innerCall(earlier, root)
  try {
    FailedCallField.set(error, {
      root,
      notes: root.notes ?? NO_NOTES,
      // A shared object, such as the reason of a signal, may leave several calls. If one of them ran the operation, it
      // is not safe to tell any of their callers that it did not run.
      called: root.called || earlier?.called === true,
      inside,
      depth: inside === undefined ? 1 : inside.depth + 1,
    })
  } catch {
    // An object may reject even private fields. It then has no explanation.
  }
}

/** Returns the last call with which an error left a shield, or undefined. */
export function failedCallOf(error: unknown): FailedCall | undefined {
  return isObject(error) ? FailedCallField.get(error) : undefined
}

/** The part of an earlier entry that belongs to an inner shield. */
function innerCall(earlier: FailedCall | undefined, root: CallRoot): FailedCall | undefined {
  // With a custom policy the error leaves the same call twice: once for each part of the shield.
  if (earlier === undefined || earlier.root === root) return earlier?.inside
  return isInnerCall(earlier.root, root) && earlier.depth < DEPTH_MAX ? earlier : undefined
}

/**
 * Whether a call that an error has left was made inside another call, as far as the two show it. The call of an inner
 * shield starts later than that of the outer shield: a shared error object that left another shield before this call
 * started was not thrown inside this call.
 */
export function isInnerCall(inner: CallRoot, root: CallRoot): boolean {
  return inner.host !== root.host && startedAfter(inner, root)
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/**
 * Adds a private field to an existing error object: every refusal of an open circuit needs one.
 *
 * Not a state of `hidden-state.ts`: a thrown Response may have one already.
 */
class FailedCallField extends ReturnArgument {
  #call: FailedCall | undefined

  static get(error: object): FailedCall | undefined {
    return #call in error ? error.#call : undefined
  }

  static set(error: object, call: FailedCall): void {
    const holder = #call in error ? error : new FailedCallField(error)
    holder.#call = call
  }
}
