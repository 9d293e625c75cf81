import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { FirstRun } from '../idempotency/guard.ts'
import { isKept, replayedHeaders, type StoredAnswer } from '../idempotency/record.ts'
import { readStream } from './read-body.ts'

/**
 * Keeps a response while it is sent, also if its client disconnects.
 *
 * @returns the response to send
 */
export function keepResponse(run: FirstRun, response: Response, maxBodyBytes: number): Response {
  // A response that cannot be sent: on Node, the library that sends it reports it.
  if (!isSendable(response) || !isKept(response.status)) {
    void run.end(undefined)
    return response
  }
  const { status, headers, body } = response
  const kept = headersOf(headers)
  const end = (bytes: Uint8Array): Promise<void> => run.end({ status, headers: kept, body: toBase64(bytes) })
  if (body === null) {
    void end(new Uint8Array())
    return response
  }
  const [sent, watched] = body.tee()
  const stored = readStream(watched, maxBodyBytes).then(end, (error: unknown) =>
    WellKnown.PAYLOAD_TOO_LARGE.is(error) ? run.end('too large') : run.breakOff(),
  )
  // The client that has the whole answer may send its request again: it must find the answer.
  return new Response(sent.pipeThrough(new TransformStream({ flush: () => stored })), response)
}

function isSendable(made: unknown): boolean {
  const { status, bodyUsed, body } = (made ?? {}) as Partial<Response>
  return typeof status === 'number' && status >= 200 && bodyUsed !== true && body?.locked !== true
}

/** Makes the response of a kept answer. */
export function replayedResponse({ status, headers, body }: StoredAnswer): Response {
  const sent = new Headers()
  for (const [name, value] of headers) {
    for (const one of typeof value === 'string' ? [value] : value) sent.append(name, one)
  }
  sent.set('idempotency-replayed', 'true')
  // Some statuses must have no body, not even an empty one.
  return new Response(body === '' ? null : fromBase64(body), { status, headers: sent })
}

function headersOf(headers: Headers): StoredAnswer['headers'] {
  const cookies = headers.getSetCookie()
  const others = [...headers].filter(([name]) => name !== 'set-cookie')
  return replayedHeaders(cookies.length === 0 ? others : [...others, ['set-cookie', cookies] as const])
}

// Not `Buffer`, which not every runtime has.

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192))
  return btoa(text)
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
}
