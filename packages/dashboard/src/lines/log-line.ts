import type { Fields } from './log-fields.ts'

/**
 * A log line with canonical names, whatever format it was written in.
 *
 * The recognisers of `formats/` produce it. Everything that counts, judges or lists lines reads only this type.
 */
export interface LogLine {
  /** The name of the format that recognised the line, such as `escudo`, `pino` or `combined`. */
  readonly format: string
  /** Milliseconds since 1970; undefined when the line has no readable time. */
  readonly at: number | undefined
  /** Whether its time has no zone and was read as local time. */
  readonly isLocalTime: boolean
  /** `debug`, `info`, `warning`, `error`, `critical`, or any other level in lower case. */
  readonly level: string | undefined
  /** Undefined when the line names none: then the name of its file is the service. */
  readonly service: string | undefined
  /** Identifies the process that wrote the line: its `instance` with the pid, or its host and pid. It changes with a restart. */
  readonly instance: string | undefined
  readonly pid: number | undefined
  /** The machine-readable name of the event, such as `http.request`. Message keys named `event` are not events. */
  readonly event: string | undefined
  /** The text for people: `detail`, `message`, `msg`, or what its format calls it. */
  readonly message: string | undefined
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  /** The span that called this one. A request with a parent in a known service is an internal hop. */
  readonly parentSpanId: string | undefined
  /** Whether this line is the one that counts a request. Each format decides it: several lines may be about one request. */
  readonly isRequest: boolean
  readonly method: string | undefined
  /** The route's pattern, such as `/items/:id`; undefined when the line has only a path. */
  readonly route: string | undefined
  /** The path without the query. */
  readonly path: string | undefined
  /** 100 to 599; undefined for anything else. */
  readonly status: number | undefined
  /** Undefined when it is missing, invalid, or its unit is in doubt. */
  readonly latencyMs: number | undefined
  readonly errorCode: string | undefined
  /** As logged: `business` or `technical`; undefined when the line names none. `kindOf` derives it. */
  readonly errorKind: string | undefined
  /** Whether a fallback gave the answer. */
  readonly degraded: boolean
  /** All fields of the innermost object, for the names that only some lines have (`shield`, `policy`, `from`, `to`, …). */
  readonly fields: Fields
}
