import { type ErrorFacts, FACTS, factsOf } from './error-facts.ts'
import { isError, read } from './safe-read.ts'

const FAILURE: ErrorFacts = { code: 'INTERNAL_SERVER_ERROR', status: 500, kind: 'technical' }

/**
 * Says that an operation must not be called again after this error.
 *
 * Throw it from any operation: no retry and no hedge makes another attempt, in this shield and in those around it. All
 * else is as if the operation had thrown the `cause`: the verdict of other policies, and the answer that an error
 * contract makes. The caller receives this error. It replaces p-retry's `AbortError`.
 *
 * @example
 * ```ts
 * import { AbortRetryError, retry, shield } from 'escudo'
 *
 * const inventory = shield('inventory', retry({ maxRetries: 5 }))
 * let calls = 0
 * const error = await inventory
 *   .run(() => {
 *     calls += 1
 *     throw new AbortRetryError(new Error('the schema has changed'))
 *   })
 *   .catch((reason) => reason)
 * console.log(calls, error.message, error.cause.message) // 1 the schema has changed the schema has changed
 * ```
 */
export class AbortRetryError extends Error {
  override readonly name = 'AbortRetryError'

  /** @param cause the error; it may be any value */
  constructor(cause: unknown) {
    const message = isError(cause) ? read(cause, 'message') : undefined
    super(typeof message === 'string' ? message : 'not to be retried', { cause })
    const facts: ErrorFacts = { ...(factsOf(cause) ?? FAILURE), retry: 'never' }
    Object.defineProperty(this, FACTS, { value: facts, configurable: true })
    const retryAfterMs = read(cause, 'retryAfterMs')
    if (retryAfterMs !== undefined) Object.defineProperty(this, 'retryAfterMs', { value: retryAfterMs })
  }
}
