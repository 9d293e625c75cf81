import { connect } from 'node:net'

/** An answer, parsed from the received bytes. */
export interface WireAnswer {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly text: string
}

const TIMEOUT_MS = 8_000

/**
 * Sends raw bytes and reads until the server closes the connection.
 *
 * The request should contain `Connection: close`.
 *
 * @throws when the server does not close the connection in 8 s, or resets it
 */
export function sendBytes(port: number, bytes: string | Uint8Array): Promise<readonly WireAnswer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const chunks: Buffer[] = []
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no end of the answer after ${TIMEOUT_MS} ms`)))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(answersIn(Buffer.concat(chunks))))
    // Latin-1 sends one byte per character, so that a test can write bytes that are not UTF-8.
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  })
}

/** Builds the head of a request with `Connection: close`. */
export function head(line: string, ...fields: readonly string[]): string {
  return `${[`${line} HTTP/1.1`, 'Host: shop', 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`
}

/** Builds a POST request with a body. */
export function post(path: string, body: string, type = 'application/json'): string {
  const text = Buffer.from(body).toString('latin1')
  return head(`POST ${path}`, `Content-Type: ${type}`, `Content-Length: ${text.length}`) + text
}

function answersIn(bytes: Buffer): readonly WireAnswer[] {
  const answers: WireAnswer[] = []
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) throw new Error(`no head in ${JSON.stringify(rest.toString().slice(0, 200))}`)
    const [first = '', ...fields] = rest.subarray(0, end).toString().split('\r\n')
    const headers = new Map(
      fields.map((field): [string, string] => {
        const colon = field.indexOf(':')
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]
      }),
    )
    const from = end + 4
    const length = Number(headers.get('content-length') ?? 0)
    const text = rest.subarray(from, from + length).toString()
    answers.push({ status: Number(first.split(' ')[1]), headers: { get: (name) => headers.get(name) ?? null }, text })
    rest = rest.subarray(from + length)
  }
  return answers
}
