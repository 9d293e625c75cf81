import { describe } from './events/events.ts'

/**
 * Code that was to deal with a failure, a fallback's function or a classifier, failed itself, and what it threw had no
 * place for the failure it was to deal with.
 *
 * @example
 * ```ts
 * import { fallback, SecondaryError, shield } from 'escudo'
 *
 * const broken = fallback(() => {
 *   throw 'no error at all'
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
  /** What that code threw. `cause` is the failure that it was to deal with. */
  readonly error: unknown

  constructor(error: unknown, original: unknown) {
    super(`dealing with a failure failed too: ${describe(error)}`, { cause: original })
    this.error = error
  }
}

/** The later error with the original one as its cause; inside a {@link SecondaryError} where it has no place for one. */
export function withCause(later: unknown, original: unknown): unknown {
  if (later === original) return later
  try {
    if (later instanceof Error && later.cause === undefined && Object.isExtensible(later)) {
      return Object.defineProperty(later, 'cause', { value: original, configurable: true, writable: true })
    }
  } catch {
    // A proxy or getter that throws has no place for a cause either.
  }
  return new SecondaryError(later, original)
}
