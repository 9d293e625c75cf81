import { describe } from './events/events.ts'

/**
 * A handler of a failure threw, and its error could not carry the failure as `cause`.
 *
 * The handler is a fallback's function or a classifier. Usually its own error is thrown, with the failure as `cause`.
 * This class is used if that error is no `Error`, cannot be extended, or has a cause already.
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

/** Returns `thrown` with `original` as its cause, or a {@link SecondaryError} if `thrown` cannot carry a cause. */
export function withCause(thrown: unknown, original: unknown): unknown {
  if (thrown === original) return thrown
  try {
    // The handler has set the cause itself, or a policy inside has.
    if (original !== undefined && thrown instanceof Error && thrown.cause === original) return thrown
    if (thrown instanceof Error && thrown.cause === undefined && Object.isExtensible(thrown)) {
      return Object.defineProperty(thrown, 'cause', { value: original, configurable: true, writable: true })
    }
  } catch {
    // A proxy or a getter may throw. Such an error cannot carry a cause either.
  }
  return new SecondaryError(thrown, original)
}
