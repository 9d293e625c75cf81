import type { UnitRule } from '../durations/unit-judge.ts'
import type { Json } from '../log-fields.ts'
import type { LevelScale } from '../log-level.ts'
import type { Names, Path } from './paths.ts'
import type { W3cHeader } from './w3c.ts'

/** How to recognise and read the JSON lines of one logger or server. */
export interface JsonFormat {
  readonly name: string
  /** Whether the keys of a line identify this format. It looks at this line alone. */
  readonly matches: (line: Json) => boolean
  /** Names that this format has, tried before the general ones. */
  readonly names?: Names
  /** The duration of a request under the format's own name for it. */
  readonly latency?: { readonly paths: readonly Path[]; readonly rule: UnitRule }
  /** The unit of durations whose name does not tell it. Without a rule it is in doubt. */
  readonly bare?: UnitRule
  readonly levels?: LevelScale
  /** Whether the field `event` is the message for people. */
  readonly eventIsMessage?: boolean
  /** Whether a line with a status is the one that counts the request. Without it, every line with a status is. */
  readonly isRequest?: (line: Json, file: SeenInFile) => boolean
}

/** What was seen in a file, and one line alone does not tell. Of two lines about one request, one counts. */
export interface SeenInFile {
  /** Whether a line of the file was an `http.request` line: then a lone status is no request. */
  hasRequestEvents: boolean
  /** Whether the request log of Serilog is on: then the one of ASP.NET is about the same requests. */
  hasSerilogRequests: boolean
  /** What directives said about the columns of a file in W3C's format. */
  w3c: W3cHeader | undefined
}

export const CERTAIN_MS: UnitRule = { unit: 'ms', confidence: 'certain' }
export const CERTAIN_NS: UnitRule = { unit: 'ns', confidence: 'certain' }
export const CERTAIN_S: UnitRule = { unit: 's', confidence: 'certain' }
