import type { LogLine } from './log-line.ts'

/** Whether the client can act, or we must. */
export type Kind = 'business' | 'technical'

/** The line's own word, else what its status says: the client can act on a 4xx, but for those that ask for patience. */
export function kindOf(line: LogLine): Kind {
  const said = line.fields.first('error_kind')
  if (said === 'business' || said === 'technical') return said
  const { status } = line
  return status !== undefined && status < 500 && status !== 408 && status !== 429 ? 'business' : 'technical'
}
