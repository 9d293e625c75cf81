import { describe, expect, test } from 'vitest'
import { definePolicy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import { closedOrigin, fullShield, rejectionOf, serve, settled } from '../../http/test/setup.ts'
import { cache } from '../../policies/cache/cache.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { fallback } from '../../policies/fallback/fallback.ts'
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
  const origin = await serve((_, response) => setTimeout(() => response.end('late'), 30))
  const impatient = definePolicy({
    name: 'impatient',
    wrap: (run) => async (call, operation) =>
      await Promise.race([run(call, operation), settled().then(() => Promise.reject(new Error('gave up')))]),
  })
  expect(String(await rejectionOf(client({ shield: shield('x', impatient) })(origin)))).toBe('Error: gave up')
  const dispatcher = testAgent()
  const events: string[] = []
  const handler = {
    onRequestStart: () => void events.push('start'),
    onResponseStart: () => void events.push('response'),
    onResponseError: () => void events.push('error'),
  }
  const composed = dispatcher.compose(resilience({ name: 'x', shield: shield('x', impatient) }))
  composed.dispatch({ origin, path: '/', method: 'GET' }, handler)
  await new Promise((resume) => setTimeout(resume, 80))
  expect(events).toEqual(['start', 'error'])
})

test('options are checked, with their path', () => {
  const make = (options: object) => () => client(options)
  expect(make({ errors: 'fetch' })).toThrow(/resilientRequest\.errors/)
  expect(make({ retries: 3 })).toThrow(/resilientRequest/)
  expect(make({ dispatcher: {} })).toThrow(/resilientRequest\.dispatcher/)
  expect(make({ shield: {} })).toThrow(/resilientRequest\.shield/)
})
