import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

const TAKE_WITHIN_MS = 3_000

/** What answers in place of a service that was killed. */
export interface Impostor {
  /** The headers of each request that came. */
  readonly seen: readonly IncomingHttpHeaders[]
  answer: RequestListener
  readonly close: () => Promise<void>
}

/** Takes a port as soon as it is free; undefined when the service's own next process was quicker. */
export async function impostorOn(port: number): Promise<Impostor | undefined> {
  const seen: IncomingHttpHeaders[] = []
  const impostor = { seen, answer: json({}), close: async () => {} } as { -readonly [K in keyof Impostor]: Impostor[K] }
  const server = createServer((request, response) => {
    seen.push(request.headers)
    impostor.answer(request, response)
  })
  impostor.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const end = performance.now() + TAKE_WITHIN_MS
  while (performance.now() < end) {
    if (await listens()) return impostor
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

/** Answers 200 with this. */
export function json(body: unknown): RequestListener {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}
