import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { inspect } from 'node:util'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import { ambient } from '../../../core/context/ambient.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { createLogger } from '../../../telemetry/pino.ts'
import { contractOptions, escudo } from '../../fastify.ts'
import { Errors, type Line, send, serverPerTest, url } from './setup.ts'

// What the adapter keeps for a request is in a private field of Node's request, response and socket.

const start = serverPerTest()
const apps: FastifyInstance[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

async function build(service: string): Promise<{ readonly app: FastifyInstance; readonly lines: Line[] }> {
  const lines: Line[] = []
  const sink = { write: (line: string) => lines.push(JSON.parse(line)) }
  const logger = createLogger({ service, stdout: false, sink })
  const contract = createErrorContract({ service, errors: Errors })
  const app = Fastify(contractOptions(contract, { logger }))
  await app.register(escudo, { contract })
  apps.push(app)
  return { app, lines }
}

const missing = async (): Promise<never> => {
  throw new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id: '7' })
}

/** Requests over one connection, one after the other. */
async function overOneConnection(port: number, paths: readonly string[]): Promise<readonly string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ids: string[] = []
  for (const path of paths) {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest({ port, host: '127.0.0.1', path, agent }, resolve).on('error', reject).end()
    })
    for await (const _ of response);
    ids.push(String(response.headers['x-trace-id']))
  }
  agent.destroy()
  return ids
}

describe('the state of a request', () => {
  test('is invisible: no key, not in JSON, not in inspect, not in a log line', async () => {
    const seen: Record<string, unknown> = {}
    const server = await start((app) => {
      app.get('/', async (request: FastifyRequest, reply) => {
        const objects = { request: request.raw, response: reply.raw, socket: request.raw.socket }
        for (const [name, object] of Object.entries(objects)) {
          seen[name] = Reflect.ownKeys(object).map(String)
          seen[`${name} text`] = inspect(object, { depth: 1, showHidden: true })
        }
        seen['json'] = JSON.stringify({ headers: request.raw.headers, keys: { ...request.raw } }, (key, value) =>
          ['socket', 'client', 'res', 'req', '_events'].includes(key) ? undefined : value,
        )
        request.log.info({ req: { ...request.raw, socket: null, client: null } }, 'logged')
        return 'ok'
      })
    })
    await fetch(url(server, '/'))
    const [logged] = await server.waitForLines('logged', 1)
    for (const value of [...Object.values(seen), logged]) {
      expect(JSON.stringify(value)).not.toMatch(/exchange|answeredEarly|ambient|HiddenState/)
    }
  })

  test('is separate for each request of a connection, and ends with it', async () => {
    const server = await start((app) => {
      app.get('/ok', async () => ({ id: ambient()?.traceId }))
      app.get('/missing', missing)
    })
    const paths = ['/ok', '/missing', '/nowhere', '/ok', '/missing', '/ok']
    const ids = await overOneConnection(server.port, paths)
    expect(new Set(ids).size).toBe(paths.length)
    const lines = await server.waitForLines('http.request', paths.length)
    expect(lines.map(({ path, status_code, trace_id }) => [path, status_code, trace_id])).toEqual(
      paths.map((path, index) => [path, path === '/ok' ? 200 : 404, ids[index]]),
    )
  })

  test('is separate for pipelined requests', async () => {
    const server = await start((app) => {
      app.get('/ok', async () => ({ id: ambient()?.traceId }))
      app.get('/missing', missing)
    })
    const head = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`
    const bytes = head('/ok') + head('/missing') + head('/nowhere') + head('/ok', 'Connection: close\r\n')
    const answers = await send(server.port, bytes)
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 404, 200])
    expect(new Set(answers.map(({ headers }) => headers['x-trace-id'])).size).toBe(4)
    for (const { headers, body } of answers) expect(body.trace_id ?? body['id']).toBe(headers['x-trace-id'])
    const lines = await server.waitForLines('http.request', 4)
    expect(new Set(lines.map(({ trace_id }) => trace_id)).size).toBe(4)
  })

  test('two servers in one process do not mix, with inject() and over sockets', async () => {
    const [shop, mill] = await Promise.all([build('shop'), build('mill')])
    for (const { app } of [shop, mill]) app.get('/missing', missing)
    // The handler of one server calls the other one.
    shop.app.get('/both', async () => (await mill.app.inject('/missing')).json())
    const outer = await shop.app.inject('/both')
    expect(outer.json()).toMatchObject({ service_name: 'mill', error_code: 'ITEM_NOT_FOUND' })
    expect(outer.json().trace_id).not.toBe(outer.headers['x-trace-id'])
    const port = await Promise.all(
      [shop, mill].map(async ({ app }) => Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)),
    )
    await Promise.all(port.map((each) => overOneConnection(each, ['/missing', '/nowhere', '/missing'])))
    for (const { lines, app } of [shop, mill]) {
      await app.close()
      const requests = lines.filter(({ event }) => event === 'http.request')
      expect(requests).toHaveLength(4)
      expect(new Set(lines.map(({ service }) => service)).size).toBe(1)
      expect(new Set(requests.map(({ trace_id }) => trace_id)).size).toBe(4)
    }
  })

  test('a simulated request without a real socket has its own', async () => {
    const { app, lines } = await build('shop')
    app.get('/missing', missing)
    app.post('/echo', async (request) => ({ id: ambient()?.traceId, body: request.body }))
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => app.inject('/missing')),
      ...Array.from({ length: 10 }, (_, n) => app.inject({ method: 'POST', url: '/echo', payload: { n } })),
    ])
    expect(new Set(answers.map(({ headers }) => headers['x-trace-id'])).size).toBe(20)
    for (const answer of answers.slice(10)) expect(answer.json().id).toBe(answer.headers['x-trace-id'])
    expect(lines.filter(({ event }) => event === 'http.request')).toHaveLength(20)
  })

  test('encapsulated contexts and a second registration share the exchange of the request', async () => {
    const { app, lines } = await build('shop')
    const contract = createErrorContract({ service: 'inner', errors: Errors })
    await app.register(
      async (inner) => {
        await inner.register(async (deep) => {
          deep.decorateRequest('own', null)
          deep.get('/deep', missing)
        })
        await inner.register(escudo, { contract })
        inner.get('/inner', missing)
      },
      { prefix: '/v2' },
    )
    for (const path of ['/v2/deep', '/v2/inner', '/v2/nowhere']) {
      const answer = await app.inject(path)
      expect(answer.statusCode).toBe(404)
      expect(answer.json().trace_id).toBe(answer.headers['x-trace-id'])
    }
    for (const event of ['http.request', 'http_error']) {
      expect(lines.filter((line) => line.event === event).map(({ path }) => path)).toEqual([
        '/v2/deep',
        '/v2/inner',
        '/v2/nowhere',
      ])
    }
  })
})
