/** What came back, whole or not. */
export interface Answer {
  /** 0 when no answer began. */
  readonly status: number
  /** By lower-case name; a repeated header's values joined by a comma. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The body, as far as it came. */
  readonly body: string
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown
  /** From the first byte sent to the last one received. */
  readonly ms: number
  /** Why it is not whole: the code of the connection's error, `TIMEOUT`, or `ABORTED` by the walk itself. */
  readonly failure: string | undefined
}

/** An answer made of its parts. */
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
