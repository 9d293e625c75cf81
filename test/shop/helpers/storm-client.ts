import { Agent, type IncomingMessage, request } from 'node:http'
import { sendBytes, type WireAnswer } from './wire.ts'

/** One request of a storm. */
export interface StormRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** The client goes away so many milliseconds after it has sent the request. */
  readonly leavesAfterMs?: number | undefined
  /** Sent as it is, over a connection of its own, instead of all the above. */
  readonly bytes?: string | undefined
}

/** Sends the requests of a storm over as many kept connections as there are requests at a time. */
export class StormClient {
  readonly #port: number
  readonly #agent: Agent

  constructor(port: number, connections: number) {
    this.#port = port
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
  }

  /** @returns the answer; undefined when this client has left before it came */
  async send(wanted: StormRequest): Promise<WireAnswer | undefined> {
    if (wanted.bytes !== undefined) {
      const [answer, ...more] = await sendBytes(this.#port, wanted.bytes)
      if (answer === undefined || more.length > 0) throw new Error(`${more.length} answers too many`)
      return answer
    }
    return await this.#send(wanted)
  }

  close(): void {
    this.#agent.destroy()
  }

  #send({ method, path, headers, body, leavesAfterMs }: StormRequest): Promise<WireAnswer | undefined> {
    return new Promise((resolve, reject) => {
      let left = false
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
      const options = { host: '127.0.0.1', port: this.#port, agent: this.#agent, method, path }
      const sent = request({ ...options, headers: { ...headers, ...length } }, (response) => {
        read(response).then(resolve, (error) => (left ? resolve(undefined) : reject(error)))
      })
      sent.on('error', (error) => (left ? resolve(undefined) : reject(error)))
      sent.end(body)
      if (leavesAfterMs === undefined) return
      const leave = setTimeout(() => {
        left = true
        sent.destroy()
      }, leavesAfterMs)
      sent.once('close', () => clearTimeout(leave))
    })
  }
}

function read(response: IncomingMessage): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', reject)
    response.on('aborted', () => reject(new Error('the answer broke off')))
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
