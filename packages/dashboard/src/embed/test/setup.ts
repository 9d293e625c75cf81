import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createErrorContract, defineErrors } from 'escudo/errors'
import { contractOptions, escudo } from 'escudo/fastify'
import { createLogger } from 'escudo/pino'
import Fastify, { type FastifyInstance } from 'fastify'
import { type DashboardOptions, dashboardRoutes, ServiceLog } from '../../fastify.ts'

const Errors = defineErrors({ FORBIDDEN: { status: 403, message: 'Not for you.' } })

/** Lets `x-token: ops` in, refuses every other token. */
export const authorize: DashboardOptions['authorize'] = ({ headers }) => {
  const token = headers['x-token']
  if (token === undefined) return undefined
  if (token !== 'ops') throw new Errors.FORBIDDEN()
  return { actor: 'ops' }
}

export const OPS = { 'x-token': 'ops' }

/** A service with escudo's contract and log, and with dashboards at the given prefixes. */
export interface Service {
  readonly app: FastifyInstance
  readonly lines: ServiceLog
  readonly port: number
  get(path: string, headers?: Readonly<Record<string, string>>, method?: string): Promise<Reply>
  /** The summary of the first dashboard, once it has this number of requests. */
  summary(requests: number): Promise<Record<string, unknown>>
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export async function startService(
  prefixes: readonly string[] = ['/ops'],
  options: Partial<DashboardOptions> = {},
): Promise<Service> {
  const lines = new ServiceLog()
  const contract = createErrorContract({ service: 'shop', errors: Errors })
  const logger = createLogger({ service: 'shop', stdout: false, sink: lines })
  const app = Fastify(contractOptions(contract, { logger }))
  await app.register(escudo, { contract })
  for (const prefix of prefixes) await app.register(dashboardRoutes({ lines, authorize, ...options }), { prefix })
  app.get('/potions', async () => ({ potions: 3 }))
  app.get('/broken', async () => {
    throw new Error('broken')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const get: Service['get'] = (path, headers, method) => fetchFrom(port, path, headers, method)
  return {
    app,
    lines,
    port,
    get,
    async summary(requests) {
      for (let attempt = 0; attempt < 200; attempt += 1) {
        const summary = JSON.parse((await get(`${prefixes[0]}/api/summary`, OPS)).body) as Record<string, unknown>
        if (summary['requests'] === requests) return summary
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
      throw new Error(`never ${requests} requests: ${(await get(`${prefixes[0]}/api/summary`, OPS)).body}`)
    },
  }
}

/** Sends a request with any `Host` header. */
export async function fetchFrom(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Reply> {
  const sent = request({ host: '127.0.0.1', port, path, headers, method, agent: false }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response) body += chunk
  return { status: response.statusCode ?? 0, headers: response.headers, body }
}

/** Opens a stream of events, and reads it until it ends. */
export async function openStream(port: number, path: string): Promise<{ first: string; ended: Promise<void> }> {
  const sent = request({ host: '127.0.0.1', port, path, headers: OPS, agent: false }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let first = ''
  const ended = new Promise<void>((resolve) => {
    response.once('close', () => resolve())
    response.once('error', () => resolve())
  })
  await new Promise<void>((resolve) => {
    response.on('data', (chunk: Buffer) => {
      if (first.length < 1_000_000) first += chunk
      if (first.includes('event: ')) resolve()
    })
  })
  return { first, ended }
}
