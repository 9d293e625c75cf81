/** The engine that the data come from, in the JSON API and for the page. */
export interface EngineJson {
  readonly name: 'VictoriaLogs'
  /** Its address, without credentials. */
  readonly url: string
  readonly version: string | null
  /** `partial`: storage nodes of a cluster do not answer. `unreachable`: there is no answer; what is shown is older. */
  readonly state: 'whole' | 'partial' | 'unreachable'
  /** Since when it is not whole, in ISO 8601. */
  readonly since: string | null
  /** The storage nodes whose lines are missing in all figures. */
  readonly missing: readonly string[]
  /** Why there is no answer, in English. */
  readonly message: string | null
  /** Whether the kinds of requests were too many to count each: those with the fewest requests are missing. */
  readonly is_folded: boolean
}
