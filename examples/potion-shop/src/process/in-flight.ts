import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as NetServer } from 'node:net'

/** How long idle connections are kept once the end has begun: a request that was sent before that may still be unread. */
export const UNREAD_MS = 50

/**
 * What a server is answering at the moment. Make one before the server gets its first request: those that came earlier
 * are not known to it.
 */
export class InFlight {
  readonly #server: Server
  readonly #responses = new Set<ServerResponse>()
  #done: Promise<void> | undefined

  constructor(server: Server) {
    this.#server = server
    // Ahead of every other listener: whoever answers finds it decided whether the connection is kept.
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#responses.add(response)
      response.once('close', () => this.#responses.delete(response))
      if (this.#done !== undefined) answerLast(request, response)
    })
  }

  /**
   * Takes no new connections from this moment on, and lets go of each open one as soon as what is in flight on it has
   * been answered; those answers say `Connection: close`.
   *
   * @returns when no connection is left; the same promise for everyone who asks
   */
  finish(): Promise<void> {
    if (this.#done !== undefined) return this.#done
    // The port refuses before this function returns, and nothing else is closed: an HTTP server's own `close` would reset
    // idle connections at once, under clients who have sent something that nobody has read yet.
    this.#done = new Promise((resolve) => NetServer.prototype.close.call(this.#server, () => resolve()))
    setTimeout(() => this.#server.close(), UNREAD_MS)
    // Where a client sends requests ahead of their answers, the last of them: those before it are answered too.
    const lastOfEach = new Map([...this.#responses].map((response) => [response.req.socket, response]))
    for (const response of lastOfEach.values()) answerLast(response.req, response)
    return this.#done
  }

  /** Cuts what is not finished. */
  cut(): void {
    this.#server.closeAllConnections()
  }
}

/** A kept connection would hold the end back for as long as its client likes. */
function answerLast({ socket }: IncomingMessage, response: ServerResponse): void {
  // Node itself then says `Connection: close`, and closes behind the answer.
  if (!response.headersSent) response.shouldKeepAlive = false
  // Too late to say so.
  else response.once('close', () => socket.end())
}
