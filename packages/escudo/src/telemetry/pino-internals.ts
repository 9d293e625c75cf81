import type { Logger } from 'pino'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'

const NEEDED = ['asJson', 'chindings', 'stringifiers', 'setLevel', 'stream', 'mixin', 'msgPrefix'] as const

/** The members of a pino logger that are under symbols, by their descriptions: each copy of pino has separate ones. */
export type Internals = Readonly<Record<(typeof NEEDED)[number], symbol>>

/** A logger with these members. */
export type AnyLogger = Logger & Record<symbol, unknown>

/**
 * Finds the members of a logger.
 *
 * @throws ConfigurationError for a logger that is not pino's
 */
export function internalsOf(logger: object, where: string): Internals {
  const found: Record<string, symbol> = {}
  for (let owner: unknown = logger; typeof owner === 'object' && owner !== null; owner = Object.getPrototypeOf(owner)) {
    for (const symbol of Object.getOwnPropertySymbols(owner)) {
      const name = symbol.description?.replace('pino.', '')
      if (name !== undefined) found[name] ??= symbol
    }
  }
  if (NEEDED.some((name) => found[name] === undefined)) {
    throw new ConfigurationError(where, `expected a logger of pino, got ${show(logger)}`)
  }
  return found as Internals
}
