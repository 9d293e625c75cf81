import { checkedName, knownKeys, optionalSyncFunction } from '../../core/options/options.ts'
import { factsOf } from '../../errors/error-facts.ts'

/** Options of `fallback`. */
export interface FallbackOptions {
  /**
   * Selects the failures to replace; must be synchronous. Default: all except business errors, which are answers and not
   * failures.
   */
  readonly when?: (error: unknown) => boolean
  /** The name in events and the status. Default: `fallback`. */
  readonly name?: string
}

/** The options of a fallback, read and checked. */
export interface FallbackSettings {
  readonly name: string
  readonly when: (error: unknown) => boolean
}

const PATH = 'fallback'

/** Reads all options of a fallback. */
export function readFallback(options: FallbackOptions): FallbackSettings {
  knownKeys(options, PATH, ['when', 'name'])
  const when = (optionalSyncFunction(options.when, `${PATH}.when`) as FallbackOptions['when']) ?? isFailure
  const name = checkedName(options.name ?? PATH, `${PATH}.name`)
  return { name, when }
}

/** The default of `when`. */
export function isFailure(error: unknown): boolean {
  return factsOf(error)?.kind !== 'business'
}
