import { serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { jwt } from 'hono/jwt'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { contextHeaders } from '../../../core/context/with-context.ts'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { keptLines } from '../../test/kept-lines.ts'
import { type EscudoOptions, escudo } from '../adapter.ts'
import { inputOf, route } from '../route.ts'

const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
const contract = createErrorContract({ service: 'shop', errors: Errors })
const servers: { close(): unknown }[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

function start(options: Partial<EscudoOptions> = {}) {
  const { lines, logger } = keptLines()
  const app = new Hono()
  return { app, lines, ...escudo(app, { contract, logger, ...options }) }
}

/** Answers a request in memory, as a runtime without Node's front does. */
async function ask(app: Hono, path: string, init?: RequestInit) {
  const response = await app.request(path, init)
  const text = await response.text()
  const code = text.startsWith('{') ? JSON.parse(text).error_code : undefined
  return { status: response.status, headers: response.headers, text, code }
}

/** Starts the app on Node's front. */
async function listen({ app, createServer }: ReturnType<typeof start>): Promise<string> {
  const port = await new Promise<number>((resolve) => {
    servers.push(
      serve({ fetch: app.fetch, createServer, hostname: '127.0.0.1', port: 0 }, (info) => resolve(info.port)),
    )
  })
  return `http://127.0.0.1:${port}`
}

describe('the adapter of Hono', () => {
  it('adds the trace id, and writes one line with the pattern of the route', async () => {
    const { app, lines } = start()
    app.use('*', async (_c, next) => await next())
    app.get('/items/:id', (c) => c.text(c.req.param('id')))
    const { headers, text } = await ask(app, '/items/1')
    expect(text).toBe('1')
    expect(lines).toEqual([expect.objectContaining({ event: 'http.request', path: '/items/1', status_code: 200 })])
    expect(lines[0]?.['trace_id']).toBe(headers.get('x-trace-id'))
  })

  it.each([
    ['an error of the catalogue', () => new Errors.SOLD_OUT(), 409, 'SOLD_OUT'],
    ['a bug', () => new TypeError('x is undefined'), 500, 'INTERNAL_SERVER_ERROR'],
    ['text', () => 'text', 500, 'INTERNAL_SERVER_ERROR'],
    ['null', () => null, 500, 'INTERNAL_SERVER_ERROR'],
    ['a promise that rejects', () => Promise.reject(new Error('x')).catch(() => {}), 500, 'INTERNAL_SERVER_ERROR'],
  ])('answers %s, from a route and from middleware', async (_, make, status, code) => {
    const { app, lines } = start()
    app.use('/middleware', () => {
      throw make()
    })
    app.get('/route', () => {
      throw make()
    })
    app.get('/middleware', (c) => c.text('not reached'))
    for (const path of ['/route', '/middleware']) {
      expect(await ask(app, path)).toMatchObject({ status, code })
    }
    expect(lines.map(({ event }) => event)).toEqual(['http_error', 'http.request', 'http_error', 'http.request'])
  })

  it('answers after a middleware that fails when the response was made', async () => {
    const { app } = start()
    app.use('*', async (c, next) => {
      await next()
      c.header('etag', '"late"')
      throw new Errors.SOLD_OUT()
    })
    app.get('/', (c) => c.text('potion', 200, { 'cache-control': 'public', 'set-cookie': 'a=1' }))
    const { status, code, headers } = await ask(app, '/')
    expect([status, code]).toEqual([409, 'SOLD_OUT'])
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('etag')).toBeNull()
    expect(headers.get('set-cookie')).toBe('a=1')
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
  })

  it('answers 400 for a path that cannot be decoded, also without the front on Node', async () => {
    const { app } = start()
    app.get('/items/:id', (c) => c.text(c.req.param('id')))
    expect(await ask(app, '/items/%zz')).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  })

  it('keeps the headers of CORS and merges Vary, also for 404 and 405', async () => {
    const { app } = start()
    app.use('*', cors({ origin: 'http://page' }))
    app.options('*', (c) => c.body(null, 204))
    app.get('/sold-out', (c) => {
      c.header('vary', 'Cookie', { append: true })
      c.header('etag', '"1"')
      throw new Errors.SOLD_OUT()
    })
    const init = { headers: { origin: 'http://page' } }
    const soldOut = await ask(app, '/sold-out', init)
    const vary = soldOut.headers.get('vary')?.split(', ').toSorted()
    expect(vary).toEqual(['Accept', 'Accept-Language', 'Cookie', 'Origin'])
    expect(soldOut.headers.get('etag')).toBeNull()
    const unknown = await ask(app, '/unknown', init)
    const wrong = await ask(app, '/sold-out', { ...init, method: 'DELETE' })
    expect([unknown.status, wrong.status, wrong.headers.get('allow')]).toEqual([404, 405, 'GET, HEAD, OPTIONS'])
    for (const { headers } of [soldOut, unknown, wrong]) {
      expect(headers.get('access-control-allow-origin')).toBe('http://page')
    }
  })

  it('answers the exceptions of Hono and of its middleware, and no other status', async () => {
    const { app } = start()
    app.use('/jwt', jwt({ secret: 'secret', alg: 'HS256' }))
    app.get('/jwt', (c) => c.text('not reached'))
    app.get('/teapot', () => {
      throw new HTTPException(422, { message: 'Not this tea.' })
    })
    app.get('/late', () => {
      throw new HTTPException(503, { message: 'the password of the database is wrong' })
    })
    app.get('/foreign', () => {
      throw Object.assign(new Error('x'), { status: 401 })
    })
    const jwtAnswer = await ask(app, '/jwt')
    expect(jwtAnswer.status).toBe(401)
    expect(jwtAnswer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect(await ask(app, '/teapot')).toMatchObject({ status: 422, code: 'UNPROCESSABLE_CONTENT' })
    const late = await ask(app, '/late')
    expect(late.status).toBe(503)
    expect(late.text).not.toContain('password')
    expect(await ask(app, '/foreign')).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
  })

  it('serves sub-apps, whose own onError takes precedence', async () => {
    const { app, lines } = start()
    const plain = new Hono().get('/items/:id', () => {
      throw new Errors.SOLD_OUT()
    })
    const own = new Hono()
      .get('/', () => {
        throw new Errors.SOLD_OUT()
      })
      .onError((_error, c) => c.text('own', 418))
    app.route('/plain', plain)
    app.route('/own', own)
    expect(await ask(app, '/plain/items/1')).toMatchObject({ status: 409, code: 'SOLD_OUT' })
    expect(await ask(app, '/own')).toMatchObject({ status: 418, text: 'own' })
    expect(lines.filter(({ event }) => event === 'http.request')).toHaveLength(2)
  })

  it('gives validated parts to a route, and leaves the body readable', async () => {
    const { app } = start()
    const input = {
      body: z.object({ nombre: z.string() }),
      params: z.object({ id: z.coerce.number() }),
      errors: ['SOLD_OUT'],
    } as const
    const handler = route(input, async (c, { body, params }) =>
      c.json({ ...body, ...params, again: await c.req.json() }, 201),
    )
    app.post('/users/:id', handler)
    const headers = { 'content-type': 'application/json' }
    const valid = await ask(app, '/users/7', { method: 'POST', headers, body: '{"nombre":"Ana"}' })
    expect(JSON.parse(valid.text)).toEqual({ nombre: 'Ana', id: 7, again: { nombre: 'Ana' } })
    const invalid = await ask(app, '/users/x', { method: 'POST', headers, body: '{"nombre":5}' })
    expect(invalid).toMatchObject({ status: 422, code: 'VALIDATION_ERROR' })
    expect(JSON.parse(invalid.text).context.errors.map((finding: { in: string }) => finding.in)).toEqual([
      'params',
      'body',
    ])
    expect(inputOf(handler)?.errors).toEqual(['SOLD_OUT'])
  })

  it('answers middleware that was added before it', async () => {
    const { lines, logger } = keptLines()
    const app = new Hono()
    app.use('*', () => {
      throw new Errors.SOLD_OUT()
    })
    escudo(app, { contract, logger })
    expect(await ask(app, '/')).toMatchObject({ status: 409, code: 'SOLD_OUT' })
    expect(lines.map(({ event }) => event)).toEqual(['http_error', 'http.request'])
  })

  it('rejects invalid options', () => {
    const app = new Hono()
    expect(() => escudo(app, {} as never)).toThrow('escudo.contract')
    expect(() => escudo(app, { contract, address: 5 } as never)).toThrow('escudo.address')
    expect(() => escudo(app, { contract, contrat: 5 } as never)).toThrow('contrat')
  })
})

describe("the adapter of Hono on Node's front", () => {
  it('uses the exchange of the front: one line, one trace id, the deadline of the caller', async () => {
    const started = start({ inboundDeadline: true })
    started.app.get('/deadline', (c: Context) => c.text(contextHeaders()['x-request-timeout-ms'] ?? 'none'))
    const url = await listen(started)
    const response = await fetch(`${url}/deadline`, { headers: { 'x-request-timeout-ms': '5000' } })
    expect(await response.text()).toMatch(/^\d{4}$/)
    await expect.poll(() => started.lines.length).toBe(1)
    expect(started.lines[0]).toMatchObject({ event: 'http.request', trace_id: response.headers.get('x-trace-id') })
  })

  it('begins a separate exchange for a request that a route makes to its own app', async () => {
    const started = start()
    started.app.get('/outer', async (c) =>
      c.text((await started.app.request('/inner')).headers.get('x-trace-id') ?? ''),
    )
    started.app.get('/inner', (c) => c.text('inner'))
    const response = await fetch(`${await listen(started)}/outer`)
    const inner = await response.text()
    expect(inner).toMatch(/^[0-9a-f]{32}$/)
    expect(inner).not.toBe(response.headers.get('x-trace-id'))
  })

  it('logs 499 for a client that disconnects', async () => {
    const started = start()
    started.app.get('/slow', async (c) => {
      await new Promise((resolve) => c.req.raw.signal.addEventListener('abort', resolve))
      return c.text('late')
    })
    const url = await listen(started)
    const controller = new AbortController()
    const call = fetch(`${url}/slow`, { signal: controller.signal }).catch(() => {})
    await expect.poll(() => servers.length).toBe(1)
    setTimeout(() => controller.abort(), 50)
    await call
    await expect.poll(() => started.lines.map((line) => line['status_code'])).toEqual([499])
  })
})
