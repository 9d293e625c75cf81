import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { definePolicy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { fallback } from '../../policies/fallback/fallback.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { retryOnce } from './setup.ts'

test('the option `fetch` is called without a `this`, which browsers require', async () => {
  const seen: unknown[] = []
  const strict = async function (this: unknown) {
    seen.push(this)
    return new Response('ok')
  }
  await resilientFetch({ name: 'x', shield: false, fetch: strict as typeof fetch })('http://x/')
  expect(seen).toEqual([undefined])
})

describe('a programming error', () => {
  test('is a TypeError, as with fetch, and not a breaker failure', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const get = resilientFetch({ name: 'x', shield: shield('x', retryOnce(), breaker) })
    await expect(get('/relative')).rejects.toThrow(TypeError)
    await expect(get('http://x/', { method: 'P OST' })).rejects.toThrow(TypeError)
    await expect(get('http://x/', { headers: { 'a\n': '' } })).rejects.toThrow(TypeError)
    await expect(get('http://x/', { body: 'x' })).rejects.toThrow(TypeError)
    await expect(get('http://x/', { signal: {} as AbortSignal })).rejects.toThrow(TypeError)
    expect(breaker.state).toBe('closed')
  })

  test.each([
    [{ name: '' }, 'resilientFetch.name'],
    [{ baseUrl: '/api' }, 'resilientFetch.baseUrl'],
    [{ baseUrl: 'ftp://x/' }, 'resilientFetch.baseUrl'],
    [{ baseUrl: 'http://x/?q=1' }, 'resilientFetch.baseUrl'],
    [{ baseUrl: 'http://u:p@x/' }, 'resilientFetch.baseUrl'],
    [{ shield: true }, 'resilientFetch.shield'],
    [{ errors: 'both' }, 'resilientFetch.errors'],
    [{ fetch: 'x' }, 'resilientFetch.fetch'],
    [{ retryBody: { maxBytes: 0 } }, 'resilientFetch.retryBody.maxBytes'],
    [{ retryBody: { max: 1 } }, 'resilientFetch.retryBody.max'],
    [{ idempotencyKey: 'key' }, 'resilientFetch.idempotencyKey'],
    [{ template: '/a' }, 'resilientFetch.template'],
    [{ deadlineHeader: 'a b' }, 'resilientFetch.deadlineHeader'],
    [{ maxOrigins: 0 }, 'resilientFetch.maxOrigins'],
    [{ timeout: 1 }, 'resilientFetch.timeout'],
  ])('in an option throws a ConfigurationError: %j', (wrong, path) => {
    const make = (): unknown => resilientFetch({ name: 'x', ...wrong } as never)
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(expect.objectContaining({ path }))
  })
})

test('resolves with the Response of a fallback', async () => {
  const guarded = shield(
    'x',
    fallback(() => Response.json({ stock: null })),
  )
  const get = resilientFetch({ name: 'x', shield: guarded, fetch: async () => new Response('', { status: 500 }) })
  expect(await (await get('http://x/')).json()).toEqual({ stock: null })
})

test('rejects at compile time a shield that may not return a Response', () => {
  // @ts-expect-error null is not a Response
  resilientFetch({ name: 'x', shield: shield('x', fallback(null)) })
  const reader = definePolicy<string>({ name: 'reader', wrap: (next) => (call, operation) => next(call, operation) })
  // @ts-expect-error a Response is not a string
  resilientFetch({ name: 'x', shield: shield('x', reader) })
  resilientFetch({ name: 'x', shield: shield('x', fallback(new Response(''))) })
})
