import type { Socket } from 'node:net'
import { builtinModule } from '../../core/builtin-module.ts'
import { parseAnswers, type RawAnswer } from './answer.ts'

/** The server to talk to. */
export interface Target {
  readonly host: string
  readonly port: number
}

const ANSWER_MS_MAX = 15_000
const BYTES_MAX = 16 * 1_024 * 1_024

/**
 * Sends bytes and reads until the server closes the connection.
 *
 * @param methods those of the requests in the bytes
 * @throws Error without an end in 15 s
 */
export async function exchangeBytes(
  { host, port }: Target,
  bytes: string | Uint8Array,
  methods: readonly string[],
): Promise<readonly RawAnswer[]> {
  const net = builtinModule<typeof import('node:net')>('node:net')
  if (net === undefined) throw new Error('expected a runtime with node:net')
  const received = await new Promise<Uint8Array>((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const socket: Socket = net.connect(port, host)
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error('the server neither answered nor closed in 15 s')))
    let failure: Error | undefined
    socket.on('error', (error) => {
      failure = error
    })
    socket.on('data', (chunk: Uint8Array) => {
      chunks.push(chunk)
      length += chunk.length
      if (length > BYTES_MAX) socket.destroy(new Error('the answer is longer than 16 MiB'))
    })
    // A reset after an answer is a fault only for a test that expects a whole answer: `isComplete` tells.
    socket.on('close', () => (length === 0 && failure !== undefined ? reject(failure) : resolve(join(chunks, length))))
    socket.write(bytes)
  })
  return parseAnswers(received, methods)
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

/** A request as text. It asks the server to close the connection, and has no other header than Host unless given. */
export function requestText(
  method: string,
  path: string,
  headers: readonly string[] = [],
  body?: string | Uint8Array,
): string {
  const length = body === undefined ? [] : [`Content-Length: ${byteLength(body)}`]
  const head = [`${method} ${path} HTTP/1.1`, 'Host: shop', 'Connection: close', ...headers, ...length]
  return `${head.join('\r\n')}\r\n\r\n${typeof body === 'string' ? body : ''}`
}

function byteLength(body: string | Uint8Array): number {
  return typeof body === 'string' ? new TextEncoder().encode(body).length : body.length
}
