import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

const LISTEN_WITHIN_MS = 3_000

/** A server that replaces a killed service on its port. */
export interface ReplacementServer {
  /** The headers of each received request. */
  readonly seen: readonly IncomingHttpHeaders[]
  /** Handles each request; replaceable at any time. */
  answer: RequestListener
  readonly close: () => Promise<void>
}

/** Listens on a port as soon as it is free; undefined if the restarted service took it first. */
export async function replacementServer(port: number): Promise<ReplacementServer | undefined> {
  const seen: IncomingHttpHeaders[] = []
  const replacement = { seen, answer: json({}), close: async () => {} } as {
    -readonly [K in keyof ReplacementServer]: ReplacementServer[K]
  }
  const server = createServer((request, response) => {
    seen.push(request.headers)
    replacement.answer(request, response)
  })
  replacement.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const end = performance.now() + LISTEN_WITHIN_MS
  while (performance.now() < end) {
    if (await listens()) return replacement
    await delay(10)
  }
  return undefined

  function listens(): Promise<boolean> {
    return new Promise((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
  }
}

/** Creates a handler that answers 200 with this JSON. */
export function json(body: unknown): RequestListener {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}
