import { Agent, type IncomingMessage, request } from 'node:http'
import { sendBytes, type WireAnswer } from './wire.ts'

/** One request of a load test. */
export interface StormRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** The client disconnects this many milliseconds after it has sent the request. */
  readonly disconnectsAfterMs?: number | undefined
  /** Raw bytes, sent over a separate connection instead of all the above. */
  readonly bytes?: string | undefined
}

/** Sends requests over a fixed number of keep-alive connections. */
export class StormClient {
  readonly #port: number
  readonly #agent: Agent

  constructor(port: number, connections: number) {
    this.#port = port
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
  }

  /** @returns the answer; undefined when this client disconnected first */
  async send(wanted: StormRequest): Promise<WireAnswer | undefined> {
    if (wanted.bytes !== undefined) {
      const [answer, ...more] = await sendBytes(this.#port, wanted.bytes)
      if (answer === undefined || more.length > 0)
        throw new Error(`expected 1 answer, got ${answer === undefined ? 0 : more.length + 1}`)
      return answer
    }
    return await this.#send(wanted)
  }

  close(): void {
    this.#agent.destroy()
  }

  #send({ method, path, headers, body, disconnectsAfterMs }: StormRequest): Promise<WireAnswer | undefined> {
    return new Promise((resolve, reject) => {
      let disconnected = false
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
      const options = { host: '127.0.0.1', port: this.#port, agent: this.#agent, method, path }
      const sent = request({ ...options, headers: { ...headers, ...length } }, (response) => {
        read(response).then(resolve, (error) => (disconnected ? resolve(undefined) : reject(error)))
      })
      sent.on('error', (error) => (disconnected ? resolve(undefined) : reject(error)))
      sent.end(body)
      if (disconnectsAfterMs === undefined) return
      const timer = setTimeout(() => {
        disconnected = true
        sent.destroy()
      }, disconnectsAfterMs)
      sent.once('close', () => clearTimeout(timer))
    })
  }
}

function read(response: IncomingMessage): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', reject)
    response.on('aborted', () => reject(new Error('the answer is incomplete')))
    response.on('end', () => {
      const { headers, statusCode = 0 } = response
      const get = (name: string): string | null => {
        const value = headers[name]
        return value === undefined ? null : String(value)
      }
      resolve({ status: statusCode, headers: { get }, text: Buffer.concat(chunks).toString() })
    })
  })
}
