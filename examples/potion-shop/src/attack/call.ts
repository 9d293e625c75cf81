/** What one call came to. */
export type CallResult =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string; readonly ms: number }
  | { readonly kind: 'error'; readonly message: string; readonly ms: number }

/** Longer than anything that the shop's own timeouts allow. */
export const GIVE_UP_MS = 10_000
const BODY_BYTES_MAX = 65_536
const LINE_LENGTH_MAX = 1_000

/**
 * Calls a URL once. Whatever goes wrong is a result like any other.
 *
 * @throws the reason of `signal` when it aborts
 */
export async function callOnce(url: string, signal: AbortSignal, giveUpMs: number = GIVE_UP_MS): Promise<CallResult> {
  const started = performance.now()
  const limit = AbortSignal.timeout(giveUpMs)
  try {
    // Redirects are not followed: they could lead away from this machine.
    const response = await fetch(url, { signal: AbortSignal.any([signal, limit]), redirect: 'manual' })
    const body = await bodyOf(response)
    return { kind: 'answer', status: response.status, body, ms: performance.now() - started }
  } catch (error) {
    signal.throwIfAborted()
    const message = limit.aborted ? `no answer within ${giveUpMs} ms` : reasonOf(error)
    return { kind: 'error', message, ms: performance.now() - started }
  }
}

/** A call's line: `01 --> 200 | {…}`, or `01 --> ERROR: …`. */
export function lineOf(number: number, result: CallResult): string {
  const shown = result.kind === 'answer' ? `${result.status} | ${compact(result.body)}` : `ERROR: ${result.message}`
  return `${String(number).padStart(2, '0')} --> ${oneLine(shown)}`
}

async function bodyOf(response: Response): Promise<string> {
  if (response.body === null) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body) {
    chunks.push(chunk)
    bytes += chunk.byteLength
    // Leaving the loop cancels the rest.
    if (bytes > BODY_BYTES_MAX) break
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX))
}

/** JSON without the spaces between its parts; anything else as it is. */
function compact(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body))
  } catch {
    return body.trim()
  }
}

/** Control characters escaped, so that no body moves the cursor or makes a second line. */
function oneLine(text: string): string {
  const cut = text.length > LINE_LENGTH_MAX ? `${text.slice(0, LINE_LENGTH_MAX)}…` : text
  return cut.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}

/** Why a fetch failed: it says so in its cause, which for a name with several addresses is a list without a message. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}
