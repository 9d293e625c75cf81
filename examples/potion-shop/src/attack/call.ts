/** The result of one call. */
export type CallResult =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string; readonly ms: number }
  | { readonly kind: 'error'; readonly message: string; readonly ms: number }

/** Longer than any timeout of the shop. */
const CALL_TIMEOUT_MS = 10_000
const BODY_BYTES_MAX = 65_536
const LINE_LENGTH_MAX = 1_000

/**
 * Calls a URL once. A failed call is a result too.
 *
 * @throws the abort reason of `signal`
 */
export async function callOnce(
  url: string,
  signal: AbortSignal,
  timeoutMs: number = CALL_TIMEOUT_MS,
): Promise<CallResult> {
  const started = performance.now()
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    // A redirect could lead to another machine.
    const response = await fetch(url, { signal: AbortSignal.any([signal, timeout]), redirect: 'manual' })
    const body = await bodyOf(response)
    return { kind: 'answer', status: response.status, body, ms: performance.now() - started }
  } catch (error) {
    signal.throwIfAborted()
    const message = timeout.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error)
    return { kind: 'error', message, ms: performance.now() - started }
  }
}

/** Formats a call as `01 --> 200 | {…}` or `01 --> ERROR: …`. */
export function lineOf(number: number, result: CallResult): string {
  const text = result.kind === 'answer' ? `${result.status} | ${compact(result.body)}` : `ERROR: ${result.message}`
  return `${String(number).padStart(2, '0')} --> ${oneLine(text)}`
}

async function bodyOf(response: Response): Promise<string> {
  if (response.body === null) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body) {
    chunks.push(chunk)
    bytes += chunk.byteLength
    // Breaking out of the loop cancels the stream.
    if (bytes > BODY_BYTES_MAX) break
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX))
}

/** Removes whitespace between the parts of JSON. Other text is only trimmed. */
function compact(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body))
  } catch {
    return body.trim()
  }
}

/** Escapes control characters, so that a body cannot move the cursor or start a second line. */
function oneLine(text: string): string {
  const short = text.length > LINE_LENGTH_MAX ? `${text.slice(0, LINE_LENGTH_MAX)}…` : text
  return short.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}

/**
 * Why a fetch failed. `fetch` puts the reason in `cause`. For a name with several addresses, that is an `AggregateError`
 * without a message.
 */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}
