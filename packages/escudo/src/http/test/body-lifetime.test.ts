import { describe, expect, test } from 'vitest'
import { TimeoutError } from '../../core/errors.ts'
import { shield } from '../../core/shield.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { UpstreamError } from '../upstream-error.ts'
import { fullShield, rejectionOf, serve, settled } from './setup.ts'

describe('an attempt lasts until its body ends', () => {
  test('holds its bulkhead permit until the body has been read', async () => {
    let finish = (): void => {}
    const baseUrl = await serve((_, response) => {
      response.write('first ')
      finish = () => response.end('second')
    })
    const { guarded, state } = fullShield()
    const get = resilientFetch({ name: 'x', baseUrl, shield: guarded })
    const response = await get('/')
    expect(state()).toMatchObject({ inUse: 1 })
    expect(await rejectionOf(get('/'))).toMatchObject({ code: 'BULKHEAD_FULL' })
    finish()
    expect(await response.text()).toBe('first second')
    await settled()
    expect(state()).toEqual({ retries: 0, failures: 0, calls: 1, inUse: 0 })
  })

  test('ends without a reader if the body is small', async () => {
    const baseUrl = await serve((_, response) => response.end('x'.repeat(50_000)))
    const { clock, guarded, state } = fullShield()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: guarded })('/')
    await settled()
    expect(state()).toMatchObject({ failures: 0, inUse: 0 })
    await clock.advance('1h')
    expect((await response.text()).length).toBe(50_000)
  })

  test('is a success if the reader cancels the body, and the connection closes', async () => {
    const baseUrl = await serve((request, response) => {
      response.write('x')
      request.socket.on('close', () => ended())
    })
    let ended = (): void => {}
    const closed = new Promise<void>((resolve) => {
      ended = resolve
    })
    const { guarded, state } = fullShield()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: guarded })('/')
    await response.body?.cancel()
    await closed
    expect(state()).toEqual({ retries: 0, failures: 0, calls: 1, inUse: 0 })
  })

  test('does not count the timeout of a slow reader as a failure', async () => {
    const baseUrl = await serve((_, response) => response.end(Buffer.alloc(20_000_000)))
    const { clock, guarded, state } = fullShield()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: guarded })('/')
    await settled()
    await clock.advance('2s')
    expect(await rejectionOf(response.text())).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    await clock.advance('1m')
    expect(state()).toMatchObject({ retries: 0, failures: 0, inUse: 0 })
  })
})

describe('a body that stalls', () => {
  test('ends with UPSTREAM_TIMEOUT and one breaker failure, without a retry', async () => {
    let requests = 0
    const baseUrl = await serve((_, response) => {
      requests += 1
      response.setHeader('content-length', 100)
      response.write('{"stock":')
    })
    const { clock, guarded, state } = fullShield()
    const response = await resilientFetch({ name: 'inventory', baseUrl, shield: guarded })('/')
    const error = rejectionOf(response.json())
    await clock.advance(1_999)
    expect(state()).toMatchObject({ inUse: 1 })
    await clock.advance(1)
    expect(await error).toBeInstanceOf(UpstreamError)
    expect(await error).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      failure: 'timeout',
      method: 'GET',
      service: 'inventory',
    })
    expect(((await error) as Error).cause).toBeInstanceOf(TimeoutError)
    // The caller may repeat a GET.
    expect(factsOf(await error)).toMatchObject({ status: 504, retry: 'safe' })
    await clock.advance('1h')
    expect(state()).toEqual({ retries: 0, failures: 1, calls: 1, inUse: 0 })
    expect(requests).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test("ends with the caller's reason on its abort, and counts as no failure", async () => {
    const baseUrl = await serve((_, response) => {
      response.write('x')
    })
    const { clock, guarded, state } = fullShield()
    const abort = new AbortController()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: guarded })('/', { signal: abort.signal })
    const text = rejectionOf(response.text())
    const reason = new Error('gone home')
    abort.abort(reason)
    expect(await text).toBe(reason)
    expect(factsOf(reason)).toBeUndefined()
    await clock.advance('1h')
    expect(state()).toEqual({ retries: 0, failures: 0, calls: 0, inUse: 0 })
  })

  test('times out and is retried if it belongs to a failed response', async () => {
    let requests = 0
    const baseUrl = await serve((_, response) => {
      requests += 1
      response.statusCode = requests === 1 ? 500 : 200
      if (requests === 1) response.write('x')
      else response.end('back')
    })
    const { clock, guarded } = fullShield()
    const answer = resilientFetch({ name: 'x', baseUrl, shield: guarded })('/')
    await settled()
    await clock.advance('3s')
    expect(await (await answer).text()).toBe('back')
  })
})

describe('a body that ends early', () => {
  test.each(['with a length', 'in chunks'])('is a failure and never a short success (%s)', async (kind) => {
    let requests = 0
    const baseUrl = await serve((request, response) => {
      requests += 1
      if (kind === 'with a length') response.setHeader('content-length', 100)
      response.write('{"stock":42}', () => setImmediate(() => request.socket.destroy()))
    })
    const { clock, guarded, state } = fullShield()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: guarded })('/')
    const error = await rejectionOf(response.json())
    expect(error).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'body', status: 200 })
    expect(factsOf(error)).toMatchObject({ status: 502, retry: 'safe' })
    await clock.advance('1h')
    expect(state()).toEqual({ retries: 0, failures: 1, calls: 1, inUse: 0 })
    expect(requests).toBe(1)
  })

  test('is fetched again by a retry around the whole operation', async () => {
    let requests = 0
    const baseUrl = await serve((request, response) => {
      requests += 1
      response.setHeader('content-length', 12)
      if (requests === 1) response.write('{"st', () => setImmediate(() => request.socket.destroy()))
      else response.end('{"stock":42}')
    })
    const get = resilientFetch({ name: 'x', baseUrl, shield: false, errors: 'throw' })
    const outer = shield('outer', retry({ maxRetries: 1, backoff: constant(1) }))
    const stock = await outer.run(async ({ signal }) => (await get('/', { signal })).json())
    expect(stock).toEqual({ stock: 42 })
  })
})
