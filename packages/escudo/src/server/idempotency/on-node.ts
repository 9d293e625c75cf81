import type { IncomingMessage, ServerResponse } from 'node:http'
import { BodyCapture } from './body-capture.ts'
import type { FirstRun } from './guard.ts'
import { isKept, type StoredAnswer } from './record.ts'

// For frameworks whose middleware has the request and the response of `node:http`.

/**
 * Whether a request announces a JSON body that can be read here: not empty, and not encoded. A type such as
 * `application/merge-patch+json` is the handler's.
 */
export function isJsonBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const isEmpty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
  const encoding = headers['content-encoding'] ?? 'identity'
  return !isEmpty && encoding === 'identity' && /^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')
}

/** Sends a kept answer. */
export function replayOnNode(response: ServerResponse, { status, headers, body }: StoredAnswer): void {
  response.statusCode = status
  // Copied: middleware may add to the list.
  for (const [name, value] of headers) response.setHeader(name, typeof value === 'string' ? value : [...value])
  response.setHeader('idempotency-replayed', 'true')
  response.end(Buffer.from(body, 'base64'))
}

type Method = (...args: unknown[]) => unknown

/** Keeps the answer while the handler sends it. */
export function keepOnNode(run: FirstRun, response: ServerResponse, maxBodyBytes: number): void {
  let capture = new BodyCapture(maxBodyBytes)
  const methods = response as unknown as Record<'write' | 'end' | 'writeHead', Method>
  const { write, end, writeHead } = methods
  // Taken before the first byte: what compresses or signs the body adds its headers then, and does so for a replay too.
  let headers: Map<string, unknown> | undefined
  /** The status that was sent. A handler may set another one afterwards. */
  let sentStatus: number | undefined
  let hasEnded = false
  const takeHeaders = (): Map<string, unknown> => {
    headers ??= new Map(Object.entries(response.getHeaders()))
    return headers
  }
  /** Node refuses what cannot be sent. If nothing was sent, another answer follows, such as an error. */
  const send = (method: Method, args: unknown[]): unknown => {
    try {
      return method.apply(response, args)
    } catch (error) {
      hasEnded = false
      if (!response.headersSent) {
        headers = undefined
        capture = new BodyCapture(maxBodyBytes)
      }
      throw error
    }
  }
  methods.writeHead = (...args) => {
    const taken = takeHeaders()
    const result = send(writeHead, args)
    sentStatus = response.statusCode
    for (const [name, value] of headersIn(args.find((arg) => typeof arg === 'object' && arg !== null))) {
      taken.set(name, value)
    }
    return result
  }
  methods.write = (...args) => {
    takeHeaders()
    capture.add(args[0], encodingIn(args))
    return send(write, args)
  }
  methods.end = (...args) => {
    if (hasEnded) return end.apply(response, args)
    hasEnded = true
    const taken = takeHeaders()
    capture.add(args[0], encodingIn(args))
    const answer = capture.answer(sentStatus ?? response.statusCode, taken)
    const result = send(end, args)
    void run.end(answer)
    return result
  }
  response.once('close', () => {
    // A pipe ends with its connection, and the handler does not notice. What it has done must not be done twice.
    if (!hasEnded && headers !== undefined && isKept(sentStatus ?? response.statusCode)) run.interrupt()
    else run.abandon()
  })
  // The client has disconnected while the key was looked up: no event will follow.
  if (response.destroyed) run.abandon()
}

function encodingIn(args: readonly unknown[]): BufferEncoding | undefined {
  return typeof args[1] === 'string' ? (args[1] as BufferEncoding) : undefined
}

/** The headers that `writeHead` got, by their names in lower case: an object, or a list that may repeat a name. */
function headersIn(given: unknown): ReadonlyMap<string, unknown> {
  const headers = new Map<string, unknown>()
  if (!Array.isArray(given)) {
    for (const [name, value] of Object.entries((given ?? {}) as object)) headers.set(name.toLowerCase(), value)
    return headers
  }
  // Pairs, or names and values in turn.
  const flat: unknown[] = given.every(Array.isArray) ? given.flat() : given
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = String(flat[index]).toLowerCase()
    const value = flat[index + 1]
    // Such as two cookies.
    headers.set(name, headers.has(name) ? [headers.get(name), value].flat() : value)
  }
  return headers
}
