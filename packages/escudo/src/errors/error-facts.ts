/** Who can act on an error: the client (`business`) or the people who run the service (`technical`). */
export type Kind = 'business' | 'technical'

/** The levels of log lines, as they are written. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error' | 'critical'

/**
 * What escudo knows of an error, apart from its text. The facts travel under a registered symbol and not under a
 * class, so that an error made by a second installed copy of escudo is still recognised.
 */
export interface ErrorFacts {
  /** For machines: `ITEM_NOT_FOUND`. */
  readonly code: string
  /** The HTTP status that the error becomes when it leaves a service. */
  readonly status: number
  readonly kind: Kind
  /** Whether sending the same request again can help. Default: technical errors `safe`, business errors `never`. */
  readonly retry?: 'never' | 'safe'
  /** What a policy makes of it, when that is not said by its kind: a dependency's 404 is a `success` of the transport. */
  readonly verdict?: 'success' | 'failure' | 'ignored'
  /** True for an error by which a policy declined to run the operation. */
  readonly refusal?: boolean
}

/** Where an escudo error carries its {@link ErrorFacts}. Registered, so that two installs agree on it. */
export const FACTS: unique symbol = Symbol.for('escudo.error') as never

/**
 * The facts of an escudo error, or undefined for anything else, hostile objects included: a getter or proxy that
 * throws is simply not ours.
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
  const facts = value as Partial<ErrorFacts>
  return typeof facts.code === 'string' && typeof facts.status === 'number' && typeof facts.kind === 'string'
}
