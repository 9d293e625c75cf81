import { afterAll, beforeAll, expect, test } from 'vitest'
import { startScript } from '../helpers/processes.ts'
import { posting, setFault } from '../helpers/requests.ts'
import { factsOf, type Shop, shopOf, startShop } from '../helpers/shop.ts'
import { cleanUp, openSystem } from '../helpers/system.ts'
import type { Target } from '../helpers/target.ts'

// 4.2h: authentication, authorization and manual control of the breakers.

let system: Target
let shop: Shop

beforeAll(async () => {
  system = await openSystem()
  shop = shopOf(system)
})
afterAll(cleanUp)

const as = (token: string): RequestInit => ({ headers: { 'x-token': token } })
const acting = (body: unknown, token = 'admin123'): RequestInit => {
  const { headers, ...rest } = posting(body)
  return { ...rest, headers: { ...(headers as Record<string, string>), 'x-token': token } }
}
const UNKNOWN = [
  401,
  'AUTENTICACION_FALLIDA',
  'Autenticación fallida: la cabecera X-Token falta o no es correcta.',
  {},
] as const

test.each([
  undefined,
  '',
  'secreto124',
  'secreto12',
  'secreto1234',
  'SECRETO123',
  'secreto123, secreto123',
  'admin123',
])('4.2h: GET /secure_data with the token %j is 401', async (token) => {
  const answer = await shop.ask('/secure_data', token === undefined ? {} : as(token))
  expect(factsOf(answer)).toEqual(UNKNOWN)
  expect(answer.headers.get('www-authenticate')).toBe('X-Token')
})

test('4.2h: GET /secure_data takes the token from its header only', async () => {
  expect((await shop.ask('/secure_data', as('secreto123'))).status).toBe(200)
  expect((await shop.ask('/secure_data?X-Token=secreto123')).status).toBe(401)
  expect((await shop.ask('/secure_data', { headers: { token: 'secreto123' } })).status).toBe(401)
})

test('4.2h: tokens never appear in the log', async () => {
  await shop.ask('/secure_data', as('secreto123'))
  await shop.ask('/admin/shields', as('admin123'))
  await shop.ask('/admin/shields', as('adivina-adivinanza'))
  expect(JSON.stringify(await shop.lines())).not.toMatch(/secreto123|admin123|adivina/)
})

test.each([
  ['GET', '/admin/shields'],
  ['GET', '/admin/errors'],
  ['POST', '/admin/shields/external/circuitBreaker'],
])('4.2h: %s %s is 401 without a valid token and 403 for a user, before the body is parsed', async (method, path) => {
  const body = method === 'POST' ? { body: '{"no json', method } : { method }
  const json = { 'content-type': 'application/json' }
  expect(factsOf(await shop.ask(path, { ...body, headers: json }))).toEqual(UNKNOWN)
  expect(factsOf(await shop.ask(path, { ...body, headers: { ...json, 'x-token': 'nadie' } }))).toEqual(UNKNOWN)
  expect(factsOf(await shop.ask(path, { ...body, headers: { ...json, 'x-token': 'secreto123' } }))).toEqual([
    403,
    'ACCESO_PROHIBIDO',
    'Este token no da acceso a la administración.',
    {},
  ])
})

test('4.2h: an administrator sees the status of every shield', async () => {
  const { status, json } = await shop.ask('/admin/shields', as('admin123'))
  expect(status).toBe(200)
  const { shields } = json as unknown as {
    readonly shields: readonly { readonly name: string; readonly policies: readonly { readonly type: string }[] }[]
  }
  const shown = Object.fromEntries(shields.map(({ name, policies }) => [name, policies.map(({ type }) => type)]))
  expect(shown).toMatchObject({
    flaky: ['retry', 'timeout'],
    external: ['circuitBreaker', 'timeout'],
    products: ['timeout', 'retry', 'circuitBreaker'],
    inventory: ['fallback', 'timeout', 'retry', 'circuitBreaker'],
    'compartment-b': ['bulkhead', 'timeout'],
  })
})

test.each([
  [
    '/admin/shields/nada/circuitBreaker',
    [404, 'ESCUDO_NO_ENCONTRADO', "No hay ningún escudo 'nada'.", { shield: 'nada' }],
  ],
  [
    '/admin/shields/__proto__/constructor',
    [404, 'ESCUDO_NO_ENCONTRADO', "No hay ningún escudo '__proto__'.", { shield: '__proto__' }],
  ],
  [
    '/admin/shields/external/nada',
    [
      404,
      'POLITICA_NO_ENCONTRADA',
      "El escudo 'external' no tiene ninguna política 'nada'.",
      { shield: 'external', policy: 'nada' },
    ],
  ],
  [
    '/admin/shields/external/timeout',
    [
      409,
      'POLITICA_SIN_INTERRUPTOR',
      "La política 'timeout' de 'external' no es un circuit breaker, sino timeout.",
      { shield: 'external', policy: 'timeout', type: 'timeout' },
    ],
  ],
])('4.2h: POST %s is rejected: it names no circuit breaker', async (path, facts) => {
  expect(factsOf(await shop.ask(path, acting({ action: 'isolate' })))).toEqual(facts)
})

test.each([{ action: 'explode' }, { action: 'constructor' }, { action: ['isolate'] }, {}, []])(
  '4.2h: %j is not a valid action',
  async (body) => {
    const [status, code] = factsOf(await shop.ask('/admin/shields/external/circuitBreaker', acting(body)))
    expect([status, code]).toEqual([422, 'VALIDATION_ERROR'])
  },
)

test('4.2h: an isolated breaker rejects without Retry-After; a reset one accepts calls again', async () => {
  await setFault(system, 'flaky-service', { rate: 0 })
  const send = shop.ask
  const act = (shield: string, action: string) => send(`/admin/shields/${shield}/circuitBreaker`, acting({ action }))
  const CIRCUIT_OPEN = [503, 'CIRCUIT_OPEN', 'Servicio no disponible (Circuito Abierto).', {}]

  const isolated = await act('external', 'isolate')
  const target = { shield: 'external', policy: 'circuitBreaker' }
  const closed = { state: 'closed', failures: 0, calls: 0 }
  const effect = { outcome: 'done', before: closed, after: { state: 'isolated', failures: 0, calls: 0 } }
  expect(isolated.status).toBe(200)
  expect(isolated.json).toMatchObject({ ...target, action: 'isolate', ...effect })
  // All lines have one trace. The line of the action says what it has changed, so it comes last.
  const lines = await shop.linesOf(isolated)
  expect(lines).toMatchObject([
    { event: 'circuit_breaker.state_change', log_level: 'warning', ...target, from: 'closed', to: 'isolated' },
    { event: 'admin.action', log_level: 'warning', actor: 'admin', ...target, action: 'isolate', ...effect },
    { event: 'http.request', status_code: 200 },
  ])
  const rejected = await send('/call-external')
  expect(factsOf(rejected)).toEqual(CIRCUIT_OPEN)
  expect(rejected.headers.has('retry-after')).toBe(false)
  expect((await send('/breaker-status')).json).toEqual({ state: 'OPEN', failures: 0 })

  const reset = await act('external', 'reset')
  expect([reset.status, reset.json]).toMatchObject([200, { ...target, action: 'reset', after: closed }])
  expect((await send('/call-external')).status).toBe(200)

  // The page needs the product service: 503. It does not need the inventory: the stock is replaced without a call.
  expect((await act('products', 'isolate')).status).toBe(200)
  const page = await send('/product-details/mana-potion')
  expect(factsOf(page)).toEqual(CIRCUIT_OPEN)
  expect(page.headers.has('retry-after')).toBe(false)
  await act('products', 'reset')
  await act('inventory', 'isolate')
  const degraded = await send('/product-details/mana-potion')
  expect([degraded.status, degraded.json.inventory.stock]).toEqual([200, null])
  await act('inventory', 'reset')
  expect((await send('/product-details/mana-potion')).json.inventory.stock).toBe(42)
})

test('4.2h: tokens set in the environment replace the default ones', async () => {
  const other = await startShop({ ESCUDO_USER_TOKEN: 'otro-usuario', ESCUDO_ADMIN_TOKEN: 'otra-llave' })
  expect((await other.ask('/secure_data', as('secreto123'))).status).toBe(401)
  expect((await other.ask('/secure_data', as('otro-usuario'))).status).toBe(200)
  expect((await other.ask('/admin/shields', as('admin123'))).status).toBe(401)
  expect((await other.ask('/admin/shields', as('otra-llave'))).status).toBe(200)
})

test.each([
  [{ ESCUDO_USER_TOKEN: 'corto' }, 'ESCUDO_USER_TOKEN takes 8 to 256', 'corto'],
  [{ ESCUDO_ADMIN_TOKEN: 'con espacios dentro' }, 'ESCUDO_ADMIN_TOKEN takes 8 to 256', 'espacios dentro'],
  [{ ESCUDO_ADMIN_TOKEN: 'secreto123' }, 'ESCUDO_USER_TOKEN and ESCUDO_ADMIN_TOKEN are the same', 'secreto123'],
])('4.2h: rejects invalid tokens (%#) in one line that does not repeat them', async (env, message, secret) => {
  const shopProcess = startScript('examples/potion-shop/src/shop/main.ts', [], env as Record<string, string>)
  expect(await shopProcess.exit).toEqual({ code: 2, signal: null })
  expect(shopProcess.stderr()).toContain(message)
  expect(shopProcess.stderr()).not.toContain(secret)
  expect(shopProcess.stderr().trimEnd().split('\n')).toHaveLength(1)
})
