import type { LogLine } from './log-line.ts'

/** Whether the client can act on an error (`business`) or the operator must (`technical`). */
export type Kind = 'business' | 'technical'

/**
 * Returns the kind of an error: the line's `error_kind`, else one derived from its status.
 *
 * A 4xx is `business`. 408 and 429 are `technical`: there the client can only wait.
 */
export function kindOf({ errorKind, status }: LogLine): Kind {
  return kindOfStatus(errorKind, status)
}

/** Returns the kind of an error by what its line says about it, as {@link kindOf} does. */
export function kindOfStatus(errorKind: string | undefined, status: number | undefined): Kind {
  if (errorKind === 'business' || errorKind === 'technical') return errorKind
  return status !== undefined && status < 500 && status !== 408 && status !== 429 ? 'business' : 'technical'
}
