import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { TimeoutError } from '../../core/errors.ts'
import { shield } from '../../core/shield.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { UpstreamError } from '../upstream-error.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A shield with one of each, on a clock of its own. */
function guarded() {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(9) })
  const all = shield(
    { name: 'x', clock },
    retry({ maxRetries: 3, backoff: constant('1s') }),
    breaker,
    bulkhead({ limit: 1 }),
    timeout('2s'),
  )
  const state = () => {
    const [{ retries }, { failures, calls }, { inUse }] = all.status().policies as unknown as [
      { retries: number },
      { failures: number; calls: number },
      { inUse: number },
    ]
    return { retries, failures, calls, inUse }
  }
  return { clock, all, state }
}

/** Lets everything that is on its way through loopback and promises arrive. */
const settled = () => new Promise((resume) => setTimeout(resume, 20))

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (reason: unknown) => reason,
  )
}

describe('an attempt lasts as long as its body', () => {
  test('the place in the bulkhead is held while the body comes, and free when it has been read', async () => {
    let finish = (): void => {}
    const baseUrl = await serve((_, response) => {
      response.write('first ')
      finish = () => response.end('second')
    })
    const { all, state } = guarded()
    const get = resilientFetch({ name: 'x', baseUrl, shield: all })
    const response = await get('/')
    expect(state()).toMatchObject({ inUse: 1 })
    expect(await rejection(get('/'))).toMatchObject({ code: 'BULKHEAD_FULL' })
    finish()
    expect(await response.text()).toBe('first second')
    await settled()
    expect(state()).toEqual({ retries: 0, failures: 0, calls: 1, inUse: 0 })
  })

  test('a body that nobody reads ends by itself when it is small', async () => {
    const baseUrl = await serve((_, response) => response.end('x'.repeat(50_000)))
    const { clock, all, state } = guarded()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: all })('/')
    await settled()
    expect(state()).toMatchObject({ failures: 0, inUse: 0 })
    await clock.advance('1h')
    expect((await response.text()).length).toBe(50_000)
  })

  test('a body that its reader cancels is a success, and its connection is closed', async () => {
    const baseUrl = await serve((request, response) => {
      response.write('x')
      request.socket.on('close', () => ended())
    })
    let ended = (): void => {}
    const closed = new Promise<void>((resolve) => {
      ended = resolve
    })
    const { all, state } = guarded()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: all })('/')
    await response.body?.cancel()
    await closed
    expect(state()).toEqual({ retries: 0, failures: 0, calls: 1, inUse: 0 })
  })

  test('a reader who is too slow is cut, and that counts against nobody', async () => {
    const baseUrl = await serve((_, response) => response.end(Buffer.alloc(20_000_000)))
    const { clock, all, state } = guarded()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: all })('/')
    await settled()
    await clock.advance('2s')
    expect(await rejection(response.text())).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    await clock.advance('1m')
    expect(state()).toMatchObject({ retries: 0, failures: 0, inUse: 0 })
  })
})

describe('a body that stalls', () => {
  test('is cut by the timeout: its reader gets UPSTREAM_TIMEOUT, the breaker a failure, and nothing is retried', async () => {
    let requests = 0
    const baseUrl = await serve((_, response) => {
      requests += 1
      response.setHeader('content-length', 100)
      response.write('{"stock":')
    })
    const { clock, all, state } = guarded()
    const response = await resilientFetch({ name: 'inventory', baseUrl, shield: all })('/')
    const error = rejection(response.json())
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
    // Whoever wants it again may ask again: it was a GET.
    expect(factsOf(await error)).toMatchObject({ status: 504, retry: 'safe' })
    await clock.advance('1h')
    expect(state()).toEqual({ retries: 0, failures: 1, calls: 1, inUse: 0 })
    expect(requests).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test('is cut with the caller own reason when the caller gives up, and counts against nobody', async () => {
    const baseUrl = await serve((_, response) => {
      response.write('x')
    })
    const { clock, all, state } = guarded()
    const abort = new AbortController()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: all })('/', { signal: abort.signal })
    const text = rejection(response.text())
    const reason = new Error('gone home')
    abort.abort(reason)
    expect(await text).toBe(reason)
    expect(factsOf(reason)).toBeUndefined()
    await clock.advance('1h')
    expect(state()).toEqual({ retries: 0, failures: 0, calls: 0, inUse: 0 })
  })

  test('of a failed answer is cut like any other, and retried', async () => {
    let requests = 0
    const baseUrl = await serve((_, response) => {
      requests += 1
      response.statusCode = requests === 1 ? 500 : 200
      if (requests === 1) response.write('x')
      else response.end('back')
    })
    const { clock, all } = guarded()
    const answer = resilientFetch({ name: 'x', baseUrl, shield: all })('/')
    await settled()
    await clock.advance('3s')
    expect(await (await answer).text()).toBe('back')
  })
})

describe('a body that breaks off', () => {
  test.each(['with a length', 'in chunks'])('is a failure and never a short success: %s', async (kind) => {
    let requests = 0
    const baseUrl = await serve((request, response) => {
      requests += 1
      if (kind === 'with a length') response.setHeader('content-length', 100)
      response.write('{"stock":42}', () => setImmediate(() => request.socket.destroy()))
    })
    const { clock, all, state } = guarded()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: all })('/')
    const error = await rejection(response.json())
    expect(error).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'body', status: 200 })
    expect(factsOf(error)).toMatchObject({ status: 502, retry: 'safe' })
    await clock.advance('1h')
    expect(state()).toEqual({ retries: 0, failures: 1, calls: 1, inUse: 0 })
    expect(requests).toBe(1)
  })

  test('can be asked for again by a retry around the whole operation', async () => {
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
