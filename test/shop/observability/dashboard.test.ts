import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readLog } from '../helpers/logs.ts'
import { until } from '../helpers/processes.ts'
import { type Answer, ask } from '../helpers/requests.ts'
import { SERVICES } from '../helpers/services.ts'
import { traceOf } from '../helpers/shop.ts'
import { cleanUp, openSystem } from '../helpers/system.ts'
import type { Target } from '../helpers/target.ts'
import { head, sendBytes } from '../helpers/wire.ts'

// 4.9b: the dashboard of the running shop: its page, its JSON API, and its counts compared with the traffic.

const SEEN_WITHIN_MS = 2_000

let system: Target

beforeAll(async () => {
  system = await openSystem()
  await get('/product-details/mana-potion')
})
afterAll(cleanUp)

const get = (path: string): Promise<Answer> => ask(system, 'potion-shop', path)

interface Summary {
  readonly requests: number
  readonly client_errors: number
  readonly server_errors: number
  readonly by_status: Readonly<Record<string, number>>
  readonly by_service: Readonly<Record<string, unknown>>
  readonly by_kind: { readonly business: number; readonly technical: number }
}

async function summary(): Promise<Summary> {
  return (await ask(system, 'dashboard', '/api/summary')).json as unknown as Summary
}

/** Waits until the count is stable. No other test sends requests now, so all of them are counted then. */
async function settled(): Promise<Summary> {
  let last = -1
  return await until('the dashboard has read everything', async () => {
    const now = await summary()
    const isStable = now.requests === last
    last = now.requests
    await delay(isStable ? 0 : 700)
    return isStable && now
  })
}

test.each(['localhost', '127.0.0.1'])('4.9b: serves its page under %s', async (host) => {
  const response = await fetch(`http://${host}:${system.ports.dashboard}/`)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)])
  expect(await response.text()).toMatch(/<html/i)
})

test('4.9b: rejects the Host of another site', async () => {
  const request = head('GET /api/summary').replace('Host: shop', `Host: evil.example:${system.ports.dashboard}`)
  const [answer] = await sendBytes(system.ports.dashboard, request)
  expect(answer?.status).toBeGreaterThanOrEqual(400)
  expect(answer?.status).toBeLessThan(500)
})

test('4.9b: the summary has all figures of the page', async () => {
  const number = expect.any(Number)
  await until(
    'requests of two services are counted',
    async () => {
      const { by_service } = await summary()
      return by_service['potion-shop'] !== undefined && by_service['product-service'] !== undefined
    },
    SEEN_WITHIN_MS,
  )
  const { status, headers, json } = await ask(system, 'dashboard', '/api/summary')
  expect([status, headers.get('content-type')]).toEqual([200, expect.stringMatching(/^application\/json/)])
  expect(json).toMatchObject({
    requests: number,
    client_errors: number,
    server_errors: number,
    by_status: {},
    latency_ms: { mean: number, p50: number, p95: number, p99: number },
    by_error_code: {},
    by_kind: { business: number, technical: number },
    by_service: { 'potion-shop': expect.anything(), 'product-service': expect.anything() },
    breakers: expect.anything(),
    lines: { read: number, malformed: 0, late: number },
  })
})

test('4.3, 4.9b: counts requests within 2 s, in total, by status and by kind', async () => {
  const before = await settled()
  for (const path of ['/', '/', '/', '/error-cliente', '/error-cliente', '/error-servidor']) await get(path)
  const after = await until(
    'all requests are counted',
    async () => {
      const now = await summary()
      return now.requests >= before.requests + 6 && now
    },
    SEEN_WITHIN_MS,
  )
  expect({
    requests: after.requests - before.requests,
    clientErrors: after.client_errors - before.client_errors,
    serverErrors: after.server_errors - before.server_errors,
    ok: (after.by_status['200'] ?? 0) - (before.by_status['200'] ?? 0),
    business: after.by_kind.business - before.by_kind.business,
    technical: after.by_kind.technical - before.by_kind.technical,
  }).toEqual({ requests: 6, clientErrors: 2, serverErrors: 1, ok: 3, business: 2, technical: 1 })
})

test('4.9b: the total equals the number of http.request lines in all logs', async () => {
  const { requests } = await settled()
  let lines = 0
  for (const name of SERVICES) {
    const read = await readLog({ ...system, logStarts: {} }, name)
    lines += read.filter((line) => line['event'] === 'http.request').length
  }
  expect(requests).toBe(lines)
})

test('4.9b: returns the lines of a trace across services', async () => {
  const traceId = traceOf(await get('/product-details/mana-potion'))
  await until(
    'the trace has the lines of three services',
    async () => {
      const { json } = await ask(system, 'dashboard', `/api/traces/${traceId}`)
      const { trace_id, lines } = json as unknown as {
        trace_id?: string
        lines?: readonly { service: string; event: string }[]
      }
      expect(trace_id).toBe(traceId)
      return new Set(lines?.filter(({ event }) => event === 'http.request').map(({ service }) => service)).size === 3
    },
    SEEN_WITHIN_MS,
  )
})
