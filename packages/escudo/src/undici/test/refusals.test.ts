import type { ServerResponse } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import { definePolicy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import { closedOrigin, fullShield, impatient, rejectionOf, serve, settled } from '../../http/test/setup.ts'
import { cache } from '../../policies/cache/cache.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { fallback } from '../../policies/fallback/fallback.ts'
import { readScrape } from '../../telemetry/metrics/test/setup.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { resilience } from '../index.ts'
import { client, serveStatuses, testAgent } from './setup.ts'

describe('a refusal', () => {
  test('by an open circuit sends nothing', async () => {
    const { origin, served } = await serveStatuses(500)
    const get = client({ shield: shield('x', circuitBreaker({ trip: consecutive(1) })) })
    await (await get(origin)).body.dump()
    expect(await rejectionOf(get(origin))).toMatchObject({ code: 'CIRCUIT_OPEN' })
    expect(served).toHaveLength(1)
  })

  test('of undici itself reaches the caller unchanged and counts nothing', async () => {
    const { origin } = await serveStatuses(200)
    const { guarded, state } = fullShield()
    const dispatcher = testAgent()
    const get = client({ shield: guarded, dispatcher })
    expect(await rejectionOf(get(origin, { headers: { 'a b': '1' } }))).toMatchObject({ code: 'UND_ERR_INVALID_ARG' })
    expect(await rejectionOf(get('not a url'))).toBeInstanceOf(Error)
    expect(await rejectionOf(get('ftp://x/'))).toMatchObject({ code: 'UND_ERR_INVALID_ARG' })
    await dispatcher.close()
    expect(await rejectionOf(get(origin))).toMatchObject({ code: expect.stringMatching(/CLOSED|DESTROYED/) })
    expect(state()).toMatchObject({ retries: 0, failures: 0, inUse: 0 })
  })
})

describe('a substitute', () => {
  test('of a fallback reaches the caller as a response', async () => {
    const origin = await closedOrigin()
    const answer = { statusCode: 203, headers: { 'x-from': ['a', 'b'] }, body: '{"stock":null}' }
    const get = client({ shield: shield('x', fallback(answer)) })
    const { statusCode, headers, body } = await get(origin)
    expect([statusCode, headers['x-from'], await body.json()]).toEqual([203, ['a', 'b'], { stock: null }])
    expect(String((await get(origin, { responseHeaders: 'raw' })).headers)).toMatch(/^x-from,a,(x-from,)?b$/)
  })

  test('from a cache is refused: its body was read by another call', async () => {
    const { origin } = await serveStatuses(200)
    const cached = shield('x', cache({ ttl: '1m' }))
    const guarded: typeof cached = {
      ...cached,
      run: (operation, options) => cached.run(operation, { ...options, key: 'k' }),
    }
    const get = client({ shield: guarded as never })
    await (await get(origin)).body.text()
    expect(await rejectionOf(get(origin))).toMatchObject({ message: expect.stringContaining('already read') })
  })
})

test('a response that comes after a custom policy has given up is dropped', async () => {
  const responses: ServerResponse[] = []
  const origin = await serve((_, response) => void responses.push(response))
  const { policy, giveUp } = impatient()
  const guarded = shield('x', policy)
  const answer = rejectionOf(client({ shield: guarded })(origin))
  const dispatcher = testAgent()
  const events: string[] = []
  const handler = {
    onRequestStart: () => void events.push('start'),
    onResponseStart: () => void events.push('response'),
    onResponseError: () => void events.push('error'),
  }
  const composed = dispatcher.compose(resilience({ name: 'x', shield: guarded }))
  composed.dispatch({ origin, path: '/', method: 'GET' }, handler)
  await vi.waitUntil(() => responses.length === 2)
  giveUp()
  expect(String(await answer)).toBe('Error: gave up')
  for (const response of responses) response.end('late')
  // Waits for both responses.
  await dispatcher.close()
  expect(events).toEqual(['start', 'error'])
})

test('a call that a custom policy starts after its cancellation sends nothing', async () => {
  const { origin, served } = await serveStatuses(200)
  const late = definePolicy({
    name: 'late',
    wrap: (run) => async (call, operation) => {
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve))
      return await run(call, operation)
    },
  })
  const metrics = createMetrics()
  const abort = new AbortController()
  const answer = rejectionOf(client({ shield: shield('x', late) })(origin, { signal: abort.signal }))
  abort.abort('enough')
  expect(await answer).toBe('enough')
  await settled()
  expect(served).toEqual([])
  expect(readScrape(metrics.scrape().body).sum('http_client_request_duration_seconds_count')).toBeUndefined()
  metrics.close()
})

test('a custom policy may send a POST again after its failure', async () => {
  const { origin, served } = await serveStatuses(503, 200)
  const again = definePolicy({
    name: 'again',
    wrap: (run) => (call, operation) => run(call, operation).catch(() => run(call, operation)),
  })
  const { statusCode, body } = await client({ shield: shield('x', again) })(origin, { method: 'POST' })
  expect([statusCode, await body.json(), served]).toEqual([200, { answer: 2 }, ['POST', 'POST']])
})

test('options are checked, with their path', () => {
  const make = (options: object) => () => client(options)
  expect(make({ errors: 'fetch' })).toThrow(/resilientRequest\.errors/)
  expect(make({ retries: 3 })).toThrow(/resilientRequest/)
  expect(make({ dispatcher: {} })).toThrow(/resilientRequest\.dispatcher/)
  expect(make({ shield: {} })).toThrow(/resilientRequest\.shield/)
})
