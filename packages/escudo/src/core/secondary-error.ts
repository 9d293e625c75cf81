import { isError, read, readItems } from '../errors/safe-read.ts'
import type { CallRoot } from './engine/call.ts'
import { describe } from './events/events.ts'
import { failedCallOf, isInnerCall } from './explain/failed-call.ts'

/**
 * A handler of a failure threw something that is no `Error`.
 *
 * The handler is a fallback's function, a classifier, a predicate or a custom backoff. An `Error` that it throws is
 * thrown as it is, with the failure as its `cause` if it has none. Any other value has no `cause`: this error carries
 * both.
 *
 * @example
 * ```ts
 * import { fallback, SecondaryError, shield } from 'escudo'
 *
 * const broken = fallback(() => {
 *   throw 'a string is no Error'
 * })
 * const error = await shield('inventory', broken)
 *   .run(() => Promise.reject(new Error('connection refused')))
 *   .catch((reason) => reason)
 * console.log(error instanceof SecondaryError && error.cause) // Error: connection refused
 * ```
 */
export class SecondaryError extends Error {
  /** Always `SECONDARY_FAILURE`. */
  readonly code = 'SECONDARY_FAILURE'
  override readonly name = 'SecondaryError'
  /** What the handler threw. `cause` is the failure that it handled. */
  readonly error: unknown

  constructor(error: unknown, original: unknown) {
    super(`the handler of a failure threw: ${describe(error)}`, { cause: original })
    this.error = error
  }
}

/** The errors whose `cause` was set here. A handler may throw one object for several calls: the last cause wins. */
const causeAdded = new WeakSet<Error>()

/**
 * Returns `thrown` with `original` as its cause, or a {@link SecondaryError} if `thrown` is no Error.
 *
 * An error that has a cause keeps it: its author chose it. A frozen error cannot have one.
 */
export function withCause(thrown: unknown, original: unknown): unknown {
  if (thrown === original) return thrown
  if (!isError(thrown)) return new SecondaryError(thrown, original)
  const mayHaveCause = read(thrown, 'cause') === undefined || causeAdded.has(thrown)
  // Either of the two may be in the chain of the other. A circle would trap every reader of the chain.
  if (!mayHaveCause || leadsTo(thrown, original) || leadsTo(original, thrown)) return thrown
  try {
    Object.defineProperty(thrown, 'cause', { value: original, configurable: true, writable: true })
    causeAdded.add(thrown)
  } catch {
    // Frozen, or a proxy that refuses.
  }
  return thrown
}

/**
 * Sets the last failure of a call as the cause of the refusal that ends it, unless an inner retry has set a later one.
 *
 * Only a refusal that was made inside this call gets a cause. Any other one is a shared object of the program, and one
 * request must not see the failure of another: a cause that an earlier call has set on such an object is removed.
 *
 * @param failure undefined if no attempt of the call ran and failed
 */
export function withLastFailure(refusal: unknown, failure: unknown, root: CallRoot): void {
  const hasCause = read(refusal, 'cause') !== undefined
  if (!hasCause && failure === undefined) return
  if (madeInside(refusal, root)) {
    if (!hasCause) withCause(refusal, failure)
  } else if (hasCause && isError(refusal) && causeAdded.has(refusal)) {
    Reflect.defineProperty(refusal, 'cause', { value: undefined })
  }
}

/** Whether an inner policy of a call refused it, or a shield inside it. */
function madeInside(refusal: unknown, root: CallRoot): boolean {
  if (root.notes?.some(({ endedHere }) => endedHere)) return true
  const left = failedCallOf(refusal)
  return left !== undefined && isInnerCall(left.root, root)
}

// Bounds the search. Errors are rarely wrapped more often than this, and some contain themselves many times.
const SEARCHED_MAX = 64

/** Whether `target` is a cause of `error`, directly or through other errors. */
function leadsTo(error: unknown, target: unknown): boolean {
  const found = new Set([error])
  for (const current of found) {
    for (const cause of [read(current, 'cause'), ...readItems(current, 'errors', SEARCHED_MAX)]) {
      if (cause === target) return true
      if (found.size < SEARCHED_MAX) found.add(cause)
    }
  }
  return false
}
