import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Line } from '../helpers/logs.ts'
import { type Answer, posting } from '../helpers/requests.ts'
import { administering } from '../helpers/restore.ts'
import { runningShop } from '../helpers/running-shop.ts'
import { factsOf, type Shop, shopOf, startShop } from '../helpers/shop.ts'
import { cleanUp } from '../helpers/system.ts'

// 4.3: the kind of an error, business or technical, determines its log level, its stack and whether it counts for an
// alert.

let shop: Shop
/** A shop that is full and whose dependencies refuse the connection: the same as `shop`, unless that is running. */
let alone: Shop

beforeAll(async () => {
  alone = await startShop({ ESCUDO_ENTRIES_MAX: '1' })
  const running = await runningShop()
  shop = running === undefined ? alone : shopOf(running)
})
const shopOfCase = (status: number): Shop => (status > 500 ? alone : shop)
// Three consecutive failures open this breaker, and these tests cause many failures.
beforeEach(() => alone.ask('/admin/shields/external/circuitBreaker', administering({ action: 'reset' })))
afterAll(cleanUp)

const text = (body: string, type = 'application/json'): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': type },
  body,
})
const ISOLATE = administering({ action: 'isolate' })

type Case = readonly [status: number, code: string, path: string, init: RequestInit]

const GET: RequestInit = {}

const BUSINESS: readonly Case[] = [
  [422, 'VALIDATION_ERROR', '/users', posting({})],
  [400, 'MALFORMED_JSON', '/users', text('{')],
  [400, 'BAD_REQUEST', '/items/%zz', GET],
  [400, 'LIMIT_TOO_HIGH', '/items?limit=1000', GET],
  [400, 'INVALID_EMAIL_FORMAT', '/users', posting({ email: 'x', nombre: 'T' })],
  [400, 'FECHA_INVALIDA', '/tareas', posting({ titulo: 'x', fecha: '2001-01-01' })],
  [401, 'AUTENTICACION_FALLIDA', '/secure_data', GET],
  [403, 'ACCESO_PROHIBIDO', '/admin/shields', { headers: { 'x-token': 'secreto123' } }],
  [404, 'ROUTE_NOT_FOUND', '/nada', GET],
  [404, 'ITEM_NOT_FOUND', '/items/nada', GET],
  [404, 'TAREA_NO_ENCONTRADA', '/tareas/nada', GET],
  [404, 'USUARIO_NO_ENCONTRADO', '/user/bob', GET],
  [404, 'RECURSO_NO_ENCONTRADO', '/error-cliente', GET],
  [404, 'DEPENDENCY_NOT_FOUND', '/bulkhead-demo/z', GET],
  [404, 'ESCUDO_NO_ENCONTRADO', '/admin/shields/nada/x', ISOLATE],
  [404, 'POLITICA_NO_ENCONTRADA', '/admin/shields/external/x', ISOLATE],
  [405, 'METHOD_NOT_ALLOWED', '/orders', GET],
  [409, 'STOCK_INSUFICIENTE', '/orders', posting({ item_id: 'SuperPocion', cantidad: 10 })],
  [409, 'EMAIL_ALREADY_EXISTS', '/users', posting({ email: 'test@example.com', nombre: 'T' })],
  [409, 'POLITICA_SIN_INTERRUPTOR', '/admin/shields/external/timeout', ISOLATE],
  [413, 'PAYLOAD_TOO_LARGE', '/users', posting('x'.repeat(1_100_000))],
  [414, 'URI_TOO_LONG', `/items/${'x'.repeat(9_000)}`, GET],
  [415, 'UNSUPPORTED_MEDIA_TYPE', '/users', text('hola', 'text/plain')],
]

const TECHNICAL: readonly Case[] = [
  [500, 'INTERNAL_SERVER_ERROR', '/error-servidor', GET],
  [502, 'UPSTREAM_ERROR', '/call-external', GET],
  [502, 'UPSTREAM_ERROR', '/product-details/mana-potion', GET],
  [502, 'UPSTREAM_ERROR', '/bulkhead-demo/a', GET],
  [503, 'UPSTREAM_UNAVAILABLE', '/call-service', GET],
  [507, 'ALMACEN_LLENO', '/users', posting({ email: 'a@b', nombre: 'T' })],
]

const errorLine = async (of: Shop, answer: Answer): Promise<Line> => {
  const lines = await of.linesOf(answer)
  const errors = lines.filter((line) => line['event'] === 'http_error')
  const requests = lines.filter((line) => line['event'] === 'http.request')
  expect([errors.length, requests.length]).toEqual([1, 1])
  expect(requests[0]).toMatchObject({ log_level: 'info', status_code: answer.status, latency_ms: expect.any(Number) })
  return errors[0] as Line
}

test.each(BUSINESS)(
  '4.3: logs %i %s as a business error: one line without a stack',
  async (status, code, path, init) => {
    const answer = await shop.ask(path, init)
    const [, , message] = factsOf(answer)
    expect([answer.status, answer.json.error_code]).toEqual([status, code])
    const line = await errorLine(shop, answer)
    expect(line).toMatchObject({
      log_level: [401, 403].includes(status) ? 'warning' : 'info',
      service: 'potion-shop',
      trace_id: answer.json.trace_id,
      status_code: status,
      error_code: code,
      error_kind: 'business',
      detail: message,
    })
    expect(path.startsWith(String(line['path']))).toBe(true)
    expect(Object.keys(line)).not.toContain('error_stack')
  },
)

test.each(TECHNICAL)(
  '4.3: logs %i %s of %s as a technical error: one line at error with type and stack',
  async (status, code, path, init) => {
    const answer = await shopOfCase(status).ask(path, init)
    expect([answer.status, answer.json.error_code]).toEqual([status, code])
    const line = await errorLine(shopOfCase(status), answer)
    expect(line).toMatchObject({
      log_level: 'error',
      status_code: status,
      error_code: code,
      error_kind: 'technical',
      path,
      error_type: expect.any(String),
      error_message: expect.any(String),
      error_stack: expect.stringMatching(/\n +at /),
    })
    // The client gets no internal details.
    expect(answer.text).not.toMatch(/\.ts|node_modules| at |ECONNREFUSED/)
  },
)

test.each(['/call-external', '/product-details/mana-potion', '/call-service'])(
  '4.3: the log line of %s lists the causes down to the root cause',
  async (path) => {
    const line = await errorLine(alone, await alone.ask(path))
    const causes = line['error_causes'] as readonly { readonly type: string; readonly code?: string }[]
    expect(causes[0]?.type).toBe('UpstreamError')
    expect(causes.some(({ code }) => code === 'ECONNREFUSED')).toBe(true)
  },
)

test('4.3: a refusal is a technical error that names its shield', async () => {
  expect((await alone.ask('/admin/shields/external/circuitBreaker', ISOLATE)).status).toBe(200)
  const answer = await alone.ask('/call-external')
  expect([answer.status, answer.json.error_code]).toEqual([503, 'CIRCUIT_OPEN'])
  expect(await errorLine(alone, answer)).toMatchObject({
    log_level: 'error',
    error_code: 'CIRCUIT_OPEN',
    error_kind: 'technical',
    error_type: 'CircuitOpenError',
    error_message: expect.stringContaining("'external'"),
  })
})

test.each([...BUSINESS, ...TECHNICAL])(
  'body, lang: %i %s (%s) has the same facts in English and as problem+json',
  async (status, _code, path, init) => {
    const { ask } = shopOfCase(status)
    const plain = await ask(path, init)
    const headers = (more: Readonly<Record<string, string>>): RequestInit => ({
      ...init,
      headers: { ...(init.headers as Record<string, string>), ...more },
    })
    const english = await ask(path, headers({ 'accept-language': 'en-GB, es;q=0.5' }))
    expect([plain, english].map((answer) => answer.headers.get('content-language'))).toEqual(['es', 'en'])
    expect(english.json.message).not.toBe(plain.json.message)
    const facts = ({ json }: Answer) => [json.error_code, json.status_code, json.context]
    expect(facts(english)).toEqual(facts(plain))

    const problem = await ask(path, headers({ accept: 'application/problem+json' }))
    expect(problem.headers.get('content-type')).toBe('application/problem+json')
    expect(problem.json).toMatchObject({
      type: 'about:blank',
      title: expect.any(String),
      status: problem.status,
      detail: plain.json.message,
      instance: `urn:trace:${problem.json.trace_id}`,
      error_code: plain.json.error_code,
    })
  },
)

test('4.3: counts each error by kind; only technical errors trigger an alert', async () => {
  const own = await startShop()
  const counts = async () => (await own.ask('/admin/errors', { headers: { 'x-token': 'admin123' } })).json as unknown
  expect(await counts()).toMatchObject({
    business: { total: 0 },
    technical: { total: 0 },
    alert: { technical: 0, firing: false },
  })
  for (let i = 0; i < 20; i += 1) await own.ask('/items/nada')
  expect(await counts()).toMatchObject({
    business: { total: 20, by_code: { ITEM_NOT_FOUND: 20 } },
    technical: { total: 0, by_code: {} },
    alert: { technical: 0, firing: false },
  })
  for (let i = 0; i < 5; i += 1) await own.ask('/error-servidor')
  await own.ask('/product-details/mana-potion')
  expect(await counts()).toMatchObject({
    business: { total: 20 },
    technical: { total: 6, by_code: { INTERNAL_SERVER_ERROR: 5, UPSTREAM_ERROR: 1 } },
    alert: { window_s: 60, technical: 6, threshold: 5, firing: true },
  })
})
