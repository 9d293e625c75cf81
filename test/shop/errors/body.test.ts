import { afterAll, beforeAll, expect, test } from 'vitest'
import { posting } from '../helpers/requests.ts'
import { isRunningShop } from '../helpers/running-shop.ts'
import { factsOf, openShop, type Shop, startShop } from '../helpers/shop.ts'
import { cleanUp } from '../helpers/system.ts'
import { post, sendBytes } from '../helpers/wire.ts'

// 4.1: the error body: the same form for all errors, in two languages, also as RFC 9457. Hostile requests have their
// own test file.

// The default is a minute, too long for a test.
const IMPATIENT = { ESCUDO_REQUEST_TIMEOUT_MS: '2000' }
let shop: Shop

beforeAll(async () => {
  shop = await openShop(IMPATIENT)
})
afterAll(cleanUp)

const TRACE_ID = expect.stringMatching(/^(?!0{32})[0-9a-f]{32}$/)
const NOT_FOUND = "Item con ID 'nada' no encontrado."
const ITEM = { recurso: 'Item', id: 'nada' }

const missing = (headers: Readonly<Record<string, string>> = {}) => shop.ask('/items/nada', { headers })

test('body: an error has the six keys in their order, and matching headers', async () => {
  const answer = await missing()
  expect(factsOf(answer)).toEqual([404, 'ITEM_NOT_FOUND', NOT_FOUND, ITEM])
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('vary')?.toLowerCase().split(/, */)).toEqual(
    expect.arrayContaining(['accept', 'accept-language']),
  )
})

test('body: HEAD returns the same headers without a body', async () => {
  const { status, text, headers } = await shop.ask('/items/nada', { method: 'HEAD' })
  expect([status, text, headers.get('content-type')]).toEqual([404, '', 'application/json; charset=utf-8'])
  expect(headers.get('x-trace-id')).toEqual(TRACE_ID)
})

test('body: returns application/problem+json (RFC 9457) if the client prefers it', async () => {
  const { status, headers, json } = await missing({ accept: 'application/problem+json' })
  expect([status, headers.get('content-type')]).toEqual([404, 'application/problem+json'])
  const traceId = headers.get('x-trace-id')
  expect(traceId).toEqual(TRACE_ID)
  expect(json).toEqual({
    type: expect.stringMatching(/./),
    title: expect.stringMatching(/./),
    status: 404,
    detail: NOT_FOUND,
    instance: `urn:trace:${traceId}`,
    trace_id: traceId,
    error_code: 'ITEM_NOT_FOUND',
    message: NOT_FOUND,
    status_code: 404,
    service_name: 'potion-shop',
    context: ITEM,
  })
})

test.each(['application/json, application/problem+json', 'image/png'])(
  'body: returns application/json for Accept: %s',
  async (accept) => {
    expect(factsOf(await missing({ accept }))).toEqual([404, 'ITEM_NOT_FOUND', NOT_FOUND, ITEM])
  },
)

test('body: successful answers have an X-Trace-ID too', async () => {
  const { status, headers } = await shop.ask('/items/item1')
  expect([status, headers.get('x-trace-id')]).toEqual([200, TRACE_ID])
})

test.each([
  [undefined, 'es'],
  ['', 'es'],
  ['*', 'es'],
  ['en', 'en'],
  ['en-GB, en;q=0.9', 'en'],
  ['es-MX', 'es'],
  ['en;q=0.4, es;q=0.8', 'es'],
  ['en;q=0', 'es'],
  ['fr, de;q=0.5', 'es'],
])('lang: for Accept-Language %j the message is in %s', async (wanted, language) => {
  const answer = await missing(wanted === undefined ? {} : { 'accept-language': wanted })
  expect(answer.headers.get('content-language')).toBe(language)
  const [status, code, message, context] = factsOf(answer)
  expect([status, code, context]).toEqual([404, 'ITEM_NOT_FOUND', ITEM])
  expect(message).toBe(language === 'es' ? NOT_FOUND : "Item with ID 'nada' not found.")
})

test.each([
  ['DELETE', '/items/item1', 'GET'],
  ['GET', '/users', 'POST'],
])('codes: %s %s is a wrong method, and Allow lists %s', async (method, path, allowed) => {
  const answer = await shop.ask(path, { method })
  expect(factsOf(answer)).toMatchObject([405, 'METHOD_NOT_ALLOWED', expect.any(String), {}])
  expect(answer.headers.get('allow')?.split(/, */)).toContain(allowed)
})

test('codes: accepts a body of exactly 1 MiB', async () => {
  const empty = JSON.stringify({ email: 'sin-arroba', nombre: '' })
  const nombre = 'n'.repeat(1_048_576 - empty.length)
  const atLimit = await shop.ask('/users', posting({ email: 'sin-arroba', nombre }))
  expect(factsOf(atLimit).slice(0, 2)).toEqual([400, 'INVALID_EMAIL_FORMAT'])
  const over = await shop.ask('/users', posting({ email: 'sin-arroba', nombre: `${nombre}n` }))
  expect(factsOf(over).slice(0, 2)).toEqual([413, 'PAYLOAD_TOO_LARGE'])
})

test('codes: answers 408 to a request that never arrives completely', async () => {
  const impatient = isRunningShop() ? await startShop(IMPATIENT) : shop
  const whole = post('/orders', '{"item_id":"SuperPocion","cantidad":1}')
  const [answer] = await sendBytes(impatient.port, whole.slice(0, -10))
  expect([answer?.status, JSON.parse(answer?.text ?? '{}')]).toMatchObject([408, { error_code: 'REQUEST_TIMEOUT' }])
})
