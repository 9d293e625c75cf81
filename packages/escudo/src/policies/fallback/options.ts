import { checkedName, knownKeys, optionalSyncFunction } from '../../core/options/options.ts'
import type { Classify } from '../../core/outcome.ts'
import { factsOf } from '../../errors/error-facts.ts'

/** Options of `fallback`. */
export interface FallbackOptions<R = unknown> {
  /**
   * Selects the failures to replace; must be synchronous. Default: all except business errors, which are answers and not
   * failures.
   */
  readonly when?: (error: unknown) => boolean
  /**
   * Selects values to replace: those for which it returns `'failure'`; must be synchronous. Default: no value is replaced.
   *
   * Without `when`, it also selects the errors. Refusals of inner policies are then replaced without asking it. A value
   * that is replaced is released: the body of a `Response` is cancelled.
   */
  readonly classify?: Classify<R>
  /** The name in events and the status. Default: `fallback`. */
  readonly name?: string
}

/** The options of a fallback, read and checked. */
export interface FallbackSettings {
  readonly name: string
  readonly when: (error: unknown) => boolean
  readonly classify: Classify | undefined
}

const PATH = 'fallback'

/** Reads all options of a fallback. */
export function readFallback<R>(options: FallbackOptions<R>): FallbackSettings {
  knownKeys(options, PATH, ['when', 'classify', 'name'])
  const when = (optionalSyncFunction(options.when, `${PATH}.when`) as FallbackOptions['when']) ?? isFailure
  const name = checkedName(options.name ?? PATH, `${PATH}.name`)
  const classify = optionalSyncFunction(options.classify, `${PATH}.classify`) as Classify | undefined
  return { name, when, classify }
}

/** The default of `when`. */
export function isFailure(error: unknown): boolean {
  return factsOf(error)?.kind !== 'business'
}
