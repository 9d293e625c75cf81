import type { IncomingMessage, ServerResponse } from 'node:http'
import { BodyCapture } from './body-capture.ts'
import type { FirstRun } from './guard.ts'
import { replayedHeaders, type StoredAnswer } from './record.ts'

// For frameworks whose middleware has the request and the response of `node:http`.

/** Whether a request announces a JSON body, also one such as `application/merge-patch+json`. */
export function isJsonBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\b/i.test(headers['content-type'] ?? '')
}

/** What is compared of a body that nothing has read: its type and its length. */
export function unreadBody({ headers }: Pick<IncomingMessage, 'headers'>): string {
  return `${headers['content-type'] ?? ''} ${headers['content-length'] ?? ''}`
}

/** Sends a kept answer. */
export function replayOnNode(response: ServerResponse, { status, headers, body }: StoredAnswer): void {
  response.statusCode = status
  for (const [name, value] of headers) response.setHeader(name, value as string | string[])
  response.setHeader('idempotency-replayed', 'true')
  response.end(Buffer.from(body, 'base64'))
}

type Method = (...args: unknown[]) => unknown

/** Keeps the answer while the handler sends it. */
export function keepOnNode(run: FirstRun, response: ServerResponse, maxBodyBytes: number): void {
  const capture = new BodyCapture(maxBodyBytes)
  const methods = response as unknown as Record<'write' | 'end' | 'writeHead', Method>
  const { write, end, writeHead } = methods
  // Taken before the first byte: what compresses or signs the body adds its headers then, and does so for a replay too.
  let headers: Map<string, unknown> | undefined
  const takeHeaders = (): Map<string, unknown> => {
    headers ??= new Map(Object.entries(response.getHeaders()))
    return headers
  }
  methods.writeHead = (...args) => {
    const taken = takeHeaders()
    for (const [name, value] of headersIn(args.find((arg) => typeof arg === 'object' && arg !== null))) {
      taken.set(name.toLowerCase(), value)
    }
    return writeHead.apply(response, args)
  }
  methods.write = (...args) => {
    takeHeaders()
    capture.add(args[0], encodingIn(args))
    return write.apply(response, args)
  }
  let hasEnded = false
  methods.end = (...args) => {
    if (!hasEnded) {
      hasEnded = true
      const taken = takeHeaders()
      if (typeof args[0] !== 'function') capture.add(args[0], encodingIn(args))
      const body = capture.base64
      const { statusCode: status } = response
      void run.end(body === undefined ? 'too large' : { status, headers: replayedHeaders(taken), body })
    }
    return end.apply(response, args)
  }
  response.once('close', () => run.abandon())
}

function encodingIn(args: readonly unknown[]): BufferEncoding | undefined {
  return typeof args[1] === 'string' ? (args[1] as BufferEncoding) : undefined
}

/** The headers that `writeHead` got: an object, or a list of names and values in turn. */
function headersIn(given: unknown): readonly (readonly [string, unknown])[] {
  if (!Array.isArray(given)) return Object.entries((given ?? {}) as object)
  if (given.every(Array.isArray)) return given as [string, unknown][]
  return Array.from({ length: given.length >> 1 }, (_, index) => [String(given[2 * index]), given[2 * index + 1]])
}
