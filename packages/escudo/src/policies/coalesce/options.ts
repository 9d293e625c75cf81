import { checkedName, knownKeys } from '../../core/options/options.ts'

/** Options of {@link coalesce}. */
export interface CoalesceOptions {
  /** Default: `coalesce`. */
  readonly name?: string
}

/**
 * Reads the options of a coalesce, and returns its name.
 *
 * @throws ConfigurationError for an option that cannot work
 */
export function readCoalesceName(options: CoalesceOptions): string {
  knownKeys(options, 'coalesce', ['name'])
  return checkedName(options.name ?? 'coalesce', 'coalesce.name')
}
