import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'

/** Idle and unused connections stay open this long after the drain begins: a request already sent may still be unread. */
export const UNREAD_MS = 50

/**
 * Tracks the requests that a server is answering. Create it before the first request: earlier ones are not tracked.
 */
export class InFlight {
  readonly #server: Server
  readonly #responses = new Set<ServerResponse>()
  readonly #sockets = new Set<Socket>()
  #drained: Promise<void> | undefined

  constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    // Before every other listener, because the response headers depend on whether the connection is kept.
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#responses.add(response)
      response.once('close', () => this.#responses.delete(response))
      if (this.#drained !== undefined) closeAfter(request, response)
    })
  }

  /**
   * Stops accepting connections, and closes each open one after its requests in flight. Their answers carry
   * `Connection: close`.
   *
   * @returns a promise that fulfils when no connection is left; the same one for every call
   */
  drain(): Promise<void> {
    if (this.#drained !== undefined) return this.#drained
    // The net server's `close` only closes the port. The HTTP server's `close` would also reset idle connections at once,
    // even if a client has sent a request that is still unread.
    this.#drained = new Promise((resolve) => NetServer.prototype.close.call(this.#server, () => resolve()))
    setTimeout(() => this.#closeUnused(), UNREAD_MS)
    // With pipelined requests, only the last answer may close the connection.
    const lastOfEach = new Map([...this.#responses].map((response) => [response.req.socket, response]))
    for (const response of lastOfEach.values()) closeAfter(response.req, response)
    return this.#drained
  }

  #closeUnused(): void {
    this.#server.close()
    // To Node, a connection that has never sent a byte is not idle. Browsers open such connections in advance.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
  }

  /** Closes all connections, whether or not their requests are finished. */
  abort(): void {
    this.#server.closeAllConnections()
  }
}

/** Closes the connection after this response: a client that keeps it open would delay the shutdown. */
function closeAfter({ socket }: IncomingMessage, response: ServerResponse): void {
  // Node then sends `Connection: close` and closes after the answer.
  if (!response.headersSent) response.shouldKeepAlive = false
  // Too late for the header.
  else response.once('close', () => socket.end())
}
