// Setup of the socket tests: a server whose log lines can be read, and a client that sends raw bytes.
import { connect, type Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract, type ErrorContractOptions } from '../../../errors/contract/contract.ts'
import { createLogger } from '../../../telemetry/pino.ts'
import { type ContractServerOptions, contractOptions, escudo } from '../../fastify.ts'

export const Errors = defineErrors({
  ITEM_NOT_FOUND: {
    status: 404,
    message: { es: "Item con ID '{id}' no encontrado.", en: "Item with ID '{id}' not found." },
    context: z.object({ recurso: z.string(), id: z.string() }),
  },
})

export type Line = Readonly<Record<string, unknown>> & { readonly event: string }

export interface TestServer {
  readonly app: FastifyInstance
  readonly port: number
  readonly lines: Line[]
  /** Waits until there are `count` lines of an event, and returns them. */
  waitForLines(event: string, count: number): Promise<readonly Line[]>
}

export const TRACE_ID = /^[0-9a-f]{32}$/

/** Starts a server on a free port. */
export async function serve(
  routes: (app: FastifyInstance) => void | Promise<void>,
  options: ContractServerOptions & { readonly contract?: Partial<ErrorContractOptions> } = {},
): Promise<TestServer> {
  const lines: Line[] = []
  const logger = createLogger({
    service: 'potion-shop',
    level: 'debug',
    stdout: false,
    sink: { write: (line) => lines.push(JSON.parse(line)) },
  })
  const { contract: contractSettings, ...serverSettings } = options
  const contract = createErrorContract({ service: 'potion-shop', errors: Errors, locale: 'es', ...contractSettings })
  const app = Fastify({ ...contractOptions(contract, { logger, ...serverSettings }), forceCloseConnections: true })
  await app.register(escudo, { contract })
  await routes(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const waitForLines = async (event: string, count: number): Promise<readonly Line[]> => {
    const linesOf = (): Line[] => lines.filter((line) => line.event === event)
    await vi.waitFor(() => expect(linesOf().length).toBeGreaterThanOrEqual(count), { timeout: 4_000, interval: 5 })
    expect(linesOf()).toHaveLength(count)
    return linesOf()
  }
  return { app, port, lines, waitForLines }
}

/** Returns `serve` for a test file. Each test starts its own server, which is closed after the test. */
export function serverPerTest(): typeof serve {
  let server: TestServer | undefined
  afterEach(async () => {
    await server?.app.close()
    server = undefined
  })
  return async (routes, options) => {
    server = await serve(routes, options)
    return server
  }
}

/** The URL of a path on a test's server. */
export function url({ port }: TestServer, path: string): string {
  return `http://127.0.0.1:${port}${path}`
}

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly body: { readonly trace_id: string; readonly error_code: string } & Readonly<Record<string, unknown>>
}

/** Sends raw bytes and reads until the server closes the connection. Send `Connection: close` for this. */
export function send(port: number, bytes: string | Uint8Array | ((socket: Socket) => void)): Promise<RawAnswer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const chunks: Buffer[] = []
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(parse(Buffer.concat(chunks))))
    if (typeof bytes === 'function') bytes(socket)
    else socket.write(bytes)
  })
}

function parse(bytes: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = []
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf('\r\n\r\n')
    const [first = '', ...fields] = rest.subarray(0, end).toString().split('\r\n')
    const headers = Object.fromEntries(
      fields.map((field) => [
        field.slice(0, field.indexOf(':')).toLowerCase(),
        field.slice(field.indexOf(':') + 1).trim(),
      ]),
    )
    const length = Number(headers['content-length'] ?? 0)
    const text = rest.subarray(end + 4, end + 4 + length).toString()
    const isJson = text !== '' && (headers['content-type'] ?? '').includes('json')
    answers.push({ status: Number(first.split(' ')[1]), headers, text, body: isJson ? JSON.parse(text) : {} })
    rest = rest.subarray(end + 4 + length)
  }
  return answers
}

/** Checks that an answer has the contract's body: six keys, the expected code, and the trace id of the header. */
export function expectContract(answer: RawAnswer | undefined, status: number, code: string): void {
  expect(answer).toMatchObject({ status, body: { error_code: code, status_code: status, service_name: 'potion-shop' } })
  if (answer === undefined) return
  expect(Object.keys(answer.body)).toEqual([
    'trace_id',
    'error_code',
    'message',
    'status_code',
    'service_name',
    'context',
  ])
  expect(answer.body.trace_id).toMatch(TRACE_ID)
  expect(answer.headers['x-trace-id']).toBe(answer.body.trace_id)
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(answer.headers['cache-control']).toBe('no-store')
}
