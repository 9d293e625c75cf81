/** Which side can act on an error: the client (`business`) or the service's operators (`technical`). */
export type Kind = 'business' | 'technical'

/** The level of a log line. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error' | 'critical'

/**
 * What escudo knows about an error, apart from its text.
 *
 * The facts are stored under a registered symbol, because `instanceof` fails for errors of a second installed copy of
 * escudo.
 */
export interface ErrorFacts {
  /** Machine-readable: `ITEM_NOT_FOUND`. */
  readonly code: string
  /** The HTTP status of the response that reports the error. */
  readonly status: number
  readonly kind: Kind
  /** Whether the same request may be sent again. Default: `safe` for technical errors, `never` for business errors. */
  readonly retry?: 'never' | 'safe'
  /** The verdict, if it does not follow from the kind: a dependency's 404 is a `success` of the transport. */
  readonly verdict?: 'success' | 'failure' | 'ignored'
  /** True if a policy rejected the call without running the operation. */
  readonly refusal?: boolean
}

/** The key of an error's {@link ErrorFacts}. Registered, so that all installed copies of escudo share it. */
export const FACTS: unique symbol = Symbol.for('escudo.error') as never

/**
 * Reads the facts of an escudo error.
 *
 * Returns undefined for any other value, including an object whose getter or proxy throws.
 *
 * @example
 * ```ts
 * import { factsOf, WellKnown } from 'escudo/errors'
 *
 * console.log(factsOf(new WellKnown.CIRCUIT_OPEN())?.status) // 503
 * console.log(factsOf(Object.assign(new Error(), { status: 401 }))) // undefined
 * ```
 */
export function factsOf(error: unknown): ErrorFacts | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  try {
    const facts = (error as { [FACTS]?: unknown })[FACTS]
    return isFacts(facts) ? facts : undefined
  } catch {
    return undefined
  }
}

function isFacts(value: unknown): value is ErrorFacts {
  if (typeof value !== 'object' || value === null) return false
  // The optional facts are read for their getters: one that throws must do so here, and not in a policy.
  const { code, status, kind, retry: _, verdict: __, refusal: ___ } = value as Partial<ErrorFacts>
  return typeof code === 'string' && typeof status === 'number' && typeof kind === 'string'
}
