import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A TCP server that records requests byte by byte. */
export interface RawServer {
  readonly origin: string
  /** The requests in order of their arrival, as latin1 text. */
  readonly requests: string[]
  readonly sockets: Set<Socket>
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'

/**
 * Starts a TCP server that reads whole HTTP requests and lets `answer` reply to each. It closes at the end of the test.
 *
 * @param answer default: 200 with the body `ok`, then closes the connection
 */
export async function rawServer(
  answer: (socket: Socket, request: string, count: number) => void = (socket) => socket.end(OK, 'latin1'),
): Promise<RawServer> {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let received = ''
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (data) => {
      received += data.toString('latin1')
      const length = lengthOfRequest(received)
      if (length === undefined) return
      const request = received.slice(0, length)
      received = received.slice(length)
      requests.push(request)
      answer(socket, request, requests.length)
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return { origin: `http://127.0.0.1:${port}`, requests, sockets }
}

/** The length of the first request; undefined if it is not complete yet. */
function lengthOfRequest(received: string): number | undefined {
  const headersEnd = received.indexOf('\r\n\r\n')
  if (headersEnd === -1) return undefined
  const headers = received.slice(0, headersEnd)
  if (/^transfer-encoding: *chunked/im.test(headers)) {
    const end = received.indexOf('0\r\n\r\n', headersEnd)
    return end === -1 ? undefined : end + 5
  }
  const length = headersEnd + 4 + Number(/^content-length: *(\d+)/im.exec(headers)?.[1] ?? 0)
  return received.length < length ? undefined : length
}

/** Removes the headers that escudo adds, and the random boundary of a form. */
export function comparable(request: string): string {
  const headersEnd = request.indexOf('\r\n\r\n')
  const own = /^(?:traceparent|tracestate|baggage|x-request-timeout-ms|x-retry-attempt):.*\r\n/gim
  const headers = `${request.slice(0, headersEnd)}\r\n`.replace(own, '')
  return (headers + request.slice(headersEnd)).replace(/formdata-undici-\d+/g, 'formdata')
}
