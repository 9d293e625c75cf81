/** The answer to a request, complete or not. */
export interface Answer {
  /** 0 if no answer began. */
  readonly status: number
  /** Keyed by lower-case name. The values of a repeated header are joined with a comma. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The received part of the body. */
  readonly body: string
  /** The body as JSON; undefined if it is not JSON. */
  readonly json: unknown
  /** The time from sending the request to the end of the answer. */
  readonly ms: number
  /**
   * Why the answer is incomplete; undefined if it is complete.
   *
   * The error code of the connection, `TIMEOUT`, `ABORTED` (by `abortAfterMs`), `INCOMPLETE` (shorter than announced),
   * `BODY_TOO_LARGE`, or `EMPTY` (a raw answer without bytes).
   */
  readonly failure: string | undefined
}

/** Creates an answer and parses its body. */
export function answerOf(
  status: number,
  headers: Answer['headers'],
  body: string,
  ms: number,
  failure?: string,
): Answer {
  return { status, headers, body, json: parsed(body), ms, failure }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
