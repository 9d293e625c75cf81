// A receiver of log lines over real HTTP, with faults.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach } from 'vitest'

/** A request as the receiver got it. */
export interface Received {
  readonly path: string
  readonly parameters: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A running receiver. */
export interface Engine {
  readonly port: number
  readonly url: string
  readonly received: readonly Received[]
  /** The lines that were confirmed, as objects. */
  readonly lines: () => readonly Readonly<Record<string, unknown>>[]
  /** Answers requests from now on: a status, or `hang` or `reset`. */
  answer: number | 'hang' | 'reset'
  readonly close: () => Promise<void>
}

const engines: Engine[] = []
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close()
})

/** Starts a receiver on a port of loopback; 0 for a free one. */
export async function startEngine(port = 0, path = '/insert/jsonline'): Promise<Engine> {
  const received: Received[] = []
  const confirmed: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const url = new URL(request.url ?? '', 'http://engine')
    const { pathname, searchParams: parameters } = url
    const body = Buffer.concat(chunks).toString()
    const got = { path: pathname, parameters, headers: request.headers, body }
    received.push(got)
    if (respond(engine.answer, response)) confirmed.push(got)
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const engine: Engine = {
    port: (server.address() as AddressInfo).port,
    get url() {
      return `http://127.0.0.1:${this.port}${path}`
    },
    received,
    lines: () => confirmed.flatMap(({ body }) => linesOf(body)),
    answer: 204,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
  engines.push(engine)
  return engine
}

function respond(answer: Engine['answer'], response: ServerResponse): boolean {
  if (answer === 'hang') return false
  if (answer === 'reset') response.destroy()
  else response.writeHead(answer).end('the answer of the engine')
  return typeof answer === 'number' && answer < 300
}

function linesOf(body: string): Readonly<Record<string, unknown>>[] {
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}
