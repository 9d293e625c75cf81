import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { linesOf, readLog } from '../helpers/logs.ts'
import { until } from '../helpers/processes.ts'
import { type Answer, ask, setFault } from '../helpers/requests.ts'
import { openServices, SERVICES } from '../helpers/services.ts'
import { traceOf } from '../helpers/shop.ts'
import { cleanUp } from '../helpers/system.ts'
import type { Target } from '../helpers/target.ts'

// 4.8c: one trace id for a request, in its answer and in the log lines of every service that it reaches. The form of
// all these lines.

let all: Target

beforeAll(async () => {
  all = await openServices(SERVICES)
  await setFault(all, 'flaky-service', { rate: 0 })
})
afterAll(cleanUp)

/** Returns random hexadecimal digits that are not all zero. */
const hex = (digits: number): string => `1${randomBytes(digits).toString('hex').slice(1, digits)}`

const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  ask(all, 'potion-shop', path, { headers })

test.each([
  ['/product-details/mana-potion', ['product-service', 'inventory-service']],
  ['/call-service', ['flaky-service']],
  ['/bulkhead-demo/c?ms=0', ['flaky-service']],
  ['/call-external', ['flaky-service']],
] as const)("4.8c: %s passes the client's trace to %j", async (path, reached) => {
  const [traceId, parent] = [hex(32), hex(16)]
  const answer = await get(path, { traceparent: `00-${traceId}-${parent}-01` })
  expect([answer.status, traceOf(answer)]).toEqual([200, traceId])
  const shop = await linesOf(all, 'potion-shop', traceId)
  expect(shop.every((line) => line['service'] === 'potion-shop')).toBe(true)
  const spans = new Set([parent, ...shop.map((line) => line['span_id'])])
  for (const name of reached) {
    const lines = await linesOf(all, name, traceId)
    expect(lines.every((line) => line['service'] === name)).toBe(true)
    const requests = lines.filter((line) => line['event'] === 'http.request')
    expect(requests).toHaveLength(1)
    // Each service needs a separate span; with a shared one their lines are indistinguishable.
    expect(spans).not.toContain(requests[0]?.['span_id'])
  }
})

test.each(['/items/item1', '/items/nada', '/error-servidor', '/no/such/route'])(
  "4.8c: %s answers with the client's trace id, also when it is not sampled",
  async (path) => {
    const traceId = hex(32)
    expect(traceOf(await get(path, { traceparent: `00-${traceId}-${hex(16)}-00` }))).toBe(traceId)
  },
)

const TIMESTAMP = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

test('logs: a request line has all its fields', async () => {
  const answer = await get('/items/item1?secret=1')
  const lines = await linesOf(all, 'potion-shop', traceOf(answer))
  expect(lines).toEqual([
    expect.objectContaining({
      timestamp: TIMESTAMP,
      log_level: 'info',
      event: 'http.request',
      service: 'potion-shop',
      method: 'GET',
      route: '/items/:id',
      path: '/items/item1',
      status_code: 200,
      latency_ms: expect.any(Number),
    }),
  ])
  expect(JSON.stringify(lines)).not.toContain('secret')
})

// Repeated, because a busy machine can delay one of the five.
test('logs: a complete line is in its file within 500 ms', { retry: 2 }, async () => {
  for (let i = 0; i < 5; i += 1) {
    const answer = await get('/items/item1')
    const answeredMs = performance.now()
    await linesOf(all, 'potion-shop', traceOf(answer))
    expect(performance.now() - answeredMs).toBeLessThan(500)
    await delay(50)
  }
})

test('logs: a request that its client aborts has one http.request line with status 499', async () => {
  const traceId = hex(32)
  const init = { headers: { traceparent: `00-${traceId}-${hex(16)}-01` }, signal: AbortSignal.timeout(200) }
  await expect(ask(all, 'potion-shop', '/lento', init)).rejects.toThrow('aborted due to timeout')
  // The route ends after 1.5 s. It must not log a second line then.
  await delay(1_500)
  const lines = await linesOf(all, 'potion-shop', traceId)
  expect(lines.filter((line) => line['event'] === 'http.request')).toMatchObject([{ status_code: 499 }])
})

const LINE = expect.objectContaining({
  timestamp: TIMESTAMP,
  log_level: expect.stringMatching(/^(debug|info|warning|error|critical)$/),
  event: expect.stringMatching(/./),
})
const REQUEST_LINE = expect.objectContaining({
  trace_id: expect.stringMatching(/^(?!0{32})[0-9a-f]{32}$/),
  span_id: expect.stringMatching(/^(?!0{16})[0-9a-f]{16}$/),
  method: expect.any(String),
  path: expect.any(String),
  status_code: expect.any(Number),
  latency_ms: expect.any(Number),
})

test.each(SERVICES)('logs: every line of %s is a JSON object in the required form', async (name) => {
  // Lines of errors, refusals and retries too.
  await setFault(all, 'flaky-service', { status: 503 })
  const paths = ['/call-service', '/bulkhead-demo/a', '/user/admin', '/users', '/product-details/mana-potion']
  for (const path of paths) await get(path)
  await setFault(all, 'flaky-service', { rate: 0 })
  const lines = await until('a line', async () => {
    const read = await readLog(all, name)
    return read.length > 0 && read
  })
  for (const line of lines) {
    expect(line).toEqual(LINE)
    expect(line['service']).toBe(name)
    if (line['event'] === 'http.request') expect(line).toEqual(REQUEST_LINE)
  }
})
