// The admin routes on every framework: the same requests, the same answers and the same log lines.
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { shield } from '../../core/shield.ts'
import { defineErrors } from '../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../errors/contract/contract.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { retry } from '../../policies/retry/retry.ts'
import * as onExpress from '../express.ts'
import * as onHono from '../hono.ts'
import * as onKoa from '../koa.ts'
import * as onNest from '../nest.ts'
import * as onWeb from '../web.ts'
import { type AdminServer, SERVERS, startAdmin } from './admin-servers.ts'

const ISOLATE = { action: 'isolate' }

const breaker = circuitBreaker()
const stock = shield('stock', retry({ maxRetries: 3 }), breaker)
const twins = [shield('twin', circuitBreaker()), shield('twin', circuitBreaker())]

describe.each(Object.keys(SERVERS))('adminRoutes on %s', (framework) => {
  let server: AdminServer
  beforeEach(async () => {
    breaker.reset()
    server = await startAdmin(framework)
  })
  afterEach(() => server.close())

  it('shows every shield and one of them, and caches nothing', async () => {
    const all = await server.get('')
    expect([all.status, all.json.service, all.headers.get('cache-control')]).toEqual([200, 'potion-shop', 'no-store'])
    expect(all.json.shields.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['stock', ...twins.map(({ name }) => name)]),
    )
    const one = await server.get('/stock')
    expect([one.status, one.json]).toMatchObject([200, { name: 'stock' }])
    expect((await server.get('/stock', {}, 'HEAD')).status).toBe(200)
    expect(server.actions()).toEqual([])
  })

  it('acts on a shield and on a policy, writes one line each, and logs the route', async () => {
    const acted = await server.post('/stock', { action: 'isolate', reason: 'deploy' })
    expect([acted.status, acted.json]).toMatchObject([200, { shield: 'stock', action: 'isolate', outcome: 'done' }])
    expect([breaker.state, acted.headers.get('cache-control')]).toEqual(['isolated', 'no-store'])
    const again = await server.post('/stock/circuitBreaker', ISOLATE)
    expect(again.json).toMatchObject({ policy: 'circuitBreaker', outcome: 'unchanged' })
    await server.post('/stock/retry', { action: 'reconfigure', options: { maxRetries: 0 } })
    await server.post('/stock/retry', { action: 'reconfigure', options: { maxRetries: 3 } })
    expect(server.actions()).toMatchObject([
      { actor: 'ana', action: 'isolate', policy: null, reason: 'deploy', outcome: 'done', log_level: 'warning' },
      { action: 'isolate', policy: 'circuitBreaker', outcome: 'unchanged' },
      { action: 'reconfigure', policy: 'retry', before: { maxRetries: 3 }, after: { maxRetries: 0 } },
      { action: 'reconfigure', outcome: 'done' },
    ])
    expect(server.actions()[0]?.['trace_id']).toBe(acted.headers.get('x-trace-id'))
    const routes = (): unknown[] => server.lines.filter(({ event }) => event === 'http.request').map((l) => l['route'])
    await vi.waitFor(() => expect(routes()).toHaveLength(4))
    expect(routes().slice(0, 2)).toEqual(['/admin/shields/:shield', '/admin/shields/:shield/:policy'])
  })

  it('answers 400 to an action without a body, and writes one line', async () => {
    const { status, json } = await server.get('/stock', {}, 'POST')
    expect([status, json.error_code]).toEqual([400, 'MALFORMED_JSON'])
    expect(server.actions()).toMatchObject([{ outcome: 'refused', error_code: 'MALFORMED_JSON' }])
  })

  const REFUSED: readonly [string, unknown, Record<string, string>, number, string, boolean][] = [
    // path, body, headers, status, code, whether it is logged
    ['/stock', ISOLATE, { authorization: 'Bearer eve' }, 401, 'UNAUTHORIZED', false],
    ['/stock', '{"no json', { authorization: '' }, 401, 'UNAUTHORIZED', false],
    ['/stock', '{"no json', { authorization: 'Bearer user' }, 403, 'NO_OPERATOR', false],
    ['/stock', ISOLATE, { origin: 'https://evil.example' }, 403, 'CROSS_ORIGIN_REFUSED', false],
    ['/stock', ISOLATE, { origin: 'null' }, 403, 'CROSS_ORIGIN_REFUSED', false],
    ['/stock', ISOLATE, { 'sec-fetch-site': 'same-site' }, 403, 'CROSS_ORIGIN_REFUSED', false],
    ['/nothing', ISOLATE, {}, 404, 'SHIELD_NOT_FOUND', true],
    ['/__proto__/constructor', ISOLATE, {}, 404, 'SHIELD_NOT_FOUND', true],
    [`/${'x'.repeat(500)}`, ISOLATE, {}, 404, 'SHIELD_NOT_FOUND', true],
    ['/st%6Fck/noth%2Fing', ISOLATE, {}, 404, 'POLICY_NOT_FOUND', true],
    ['/twin', ISOLATE, {}, 409, 'SHIELD_AMBIGUOUS', true],
    ['/stock/retry', ISOLATE, {}, 409, 'ACTION_NOT_SUPPORTED', true],
    ['/stock', '{', {}, 400, 'MALFORMED_JSON', true],
    ['/stock', '', {}, 400, 'MALFORMED_JSON', true],
    ['/stock', '{"action":"isolate","__proto__":{}}', {}, 400, 'MALFORMED_JSON', true],
    ['/stock', '{"action":"isolate"}', { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE', true],
    ['/stock', { ...ISOLATE, reason: 'x'.repeat(17_000) }, {}, 413, 'PAYLOAD_TOO_LARGE', true],
    ['/stock', { action: 'explode' }, {}, 422, 'VALIDATION_ERROR', true],
    ['/stock', [], {}, 422, 'VALIDATION_ERROR', true],
    ['/stock/retry', { action: 'reconfigure', options: { maxRetries: -1 } }, {}, 422, 'VALIDATION_ERROR', true],
  ]

  it.each(REFUSED)('POST %s %j %j is %i %s', async (path, body, headers, status, code, isLogged) => {
    const answer = await server.post(path, body, headers)
    expect([answer.status, answer.json.error_code, breaker.state]).toEqual([status, code, 'closed'])
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    expect(answer.headers.get('cache-control')).toBe('no-store')
    if (status === 401) expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    const line = expect.objectContaining({ actor: 'ana', outcome: 'refused', error_code: code })
    expect(server.actions()).toEqual(isLogged ? [line] : [])
    // The request has one error line too.
    expect(server.lines.filter(({ event }) => event === 'http_error').length).toBeLessThanOrEqual(1)
  })

  it.each([
    ['GET', '/stock', { authorization: 'Bearer eve' }, 401, 'UNAUTHORIZED'],
    ['GET', '', { authorization: 'Bearer user' }, 403, 'NO_OPERATOR'],
    ['GET', '', { origin: 'https://evil.example' }, 403, 'CROSS_ORIGIN_REFUSED'],
    ['GET', '/nothing', {}, 404, 'SHIELD_NOT_FOUND'],
    ['GET', '/twin', {}, 409, 'SHIELD_AMBIGUOUS'],
    ['GET', '/stock/retry', {}, 405, 'METHOD_NOT_ALLOWED'],
    ['DELETE', '/stock', {}, 405, 'METHOD_NOT_ALLOWED'],
    ['OPTIONS', '/stock', {}, 405, 'METHOD_NOT_ALLOWED'],
    ['GET', '/stock/retry/more', {}, 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/%zz', {}, 400, 'BAD_REQUEST'],
  ] as const)('%s %s %j is %i %s', async (method, path, headers, status, code) => {
    const answer = await server.get(path, headers as Record<string, string>, method)
    expect([answer.status, answer.json.error_code]).toEqual([status, code])
    expect(server.actions()).toEqual([])
  })

  it('refuses a page that reaches the service by DNS rebinding', async () => {
    const ask = (host: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(server.port, '127.0.0.1')
        let text = ''
        socket.on('data', (chunk) => {
          text += chunk
        })
        socket.on('close', () => resolve(text))
        socket.write(
          `GET /admin/shields HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ana\r\nConnection: close\r\n\r\n`,
        )
      })
    expect(await ask('evil.example')).toMatch(/^HTTP\/1\.1 403 [\s\S]*CROSS_ORIGIN_REFUSED/)
    expect(await ask('shop.internal')).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('writes one line for a client that disconnects before its body is complete', async () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(
      'POST /admin/shields/stock HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ana\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"action":',
    )
    await new Promise((resolve) => setTimeout(resolve, 30))
    socket.destroy()
    await vi.waitFor(() => expect(server.actions()).toHaveLength(1))
    expect(server.actions()[0]).toMatchObject({ actor: 'ana', outcome: 'refused', error_code: 'BAD_REQUEST' })
  })

  it('is a bug, and does nothing, if authorize returns no actor', async () => {
    const other = await startAdmin(framework, () => ({ actor: '' }))
    const answer = await other.post('/stock', ISOLATE)
    expect([answer.status, answer.json.error_code, breaker.state]).toEqual([500, 'INTERNAL_SERVER_ERROR', 'closed'])
    expect(other.actions()).toEqual([])
    other.close()
  })

  it('property: a hostile body is answered with 4xx, changes nothing and writes one line', async () => {
    const before = JSON.stringify(stock.status())
    const body = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.record({ action: fc.jsonValue(), reason: fc.jsonValue(), options: fc.jsonValue() }, { requiredKeys: [] }),
      fc.record({ action: fc.constant('isolate'), reason: fc.constantFrom(1, '', {}, null, 'x'.repeat(201)) }),
    )
    let sent = 0
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/stock', '/stock/retry', '/stock/circuitBreaker'),
        body,
        async (path, value) => {
          const { status } = await server.post(path, JSON.stringify(value))
          sent += 1
          expect([400, 409, 422]).toContain(status)
          expect(server.actions()).toHaveLength(sent)
          expect(server.actions().at(-1)).toMatchObject({ outcome: 'refused', after: null })
        },
      ),
      { numRuns: 60 },
    )
    expect(JSON.stringify(stock.status())).toBe(before)
  })
})

it.each([
  ['express', onExpress.adminRoutes],
  ['koa', onKoa.adminRoutes],
  ['hono', onHono.adminRoutes],
  ['web', onWeb.adminRoutes],
  ['nest', onNest.adminRoutes],
] as const)('%s: adminRoutes needs authorize and a contract, and knows its options', (_, adminRoutes) => {
  const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
  const authorize = (): undefined => undefined
  expect(() => adminRoutes({ contract } as never)).toThrow('adminRoutes.authorize')
  expect(() => adminRoutes({ authorize } as never)).toThrow('adminRoutes.contract')
  expect(() => adminRoutes({ contract, authorize, host: [] } as never)).toThrow('adminRoutes.host')
})

it('a request without an exchange is refused, because its line could not be written', async () => {
  const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
  const admin = onWeb.adminRoutes({ contract, authorize: () => ({ actor: 'ana' }) })
  const request = new Request('http://localhost/admin/shields', { headers: { host: 'localhost' } })
  await expect(admin(request)).rejects.toThrow(ConfigurationError)
})

describe.each(['express', 'hono', 'koa', 'nest on express', 'nest on fastify'])(
  'adminRoutes on %s, mounted behind a middleware that reads bodies',
  (framework) => {
    let server: AdminServer
    beforeEach(async () => {
      breaker.reset()
      server = await startAdmin(framework)
    })
    afterEach(() => server.close())

    it.each([
      [ISOLATE, 'application/json', 200, undefined],
      ['{"action":"isolate"}', 'text/plain', 415, 'UNSUPPORTED_MEDIA_TYPE'],
      [{ ...ISOLATE, reason: 'x'.repeat(17_000) }, 'application/json', 413, 'PAYLOAD_TOO_LARGE'],
      ['{"action":"isolate","__proto__":{}}', 'application/json', 400, 'MALFORMED_JSON'],
    ] as const)('%j as %s is %i', async (body, type, status, code) => {
      const answer = await server.post('/read/admin/shields/stock', body, { 'content-type': type })
      expect([answer.status, answer.json.error_code]).toEqual([status, code])
      // A parser of Koa refuses this body itself, before the routes are reached.
      expect(server.actions()).toHaveLength(framework === 'koa' && code === 'MALFORMED_JSON' ? 0 : 1)
    })
  },
)
