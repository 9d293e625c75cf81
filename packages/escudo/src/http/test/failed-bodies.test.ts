import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { impatient, rejectionOf, retryOnce, serve, settled, upstreamErrorOf } from './setup.ts'

const bare = resilientFetch({ name: 'x', shield: false })

describe('a failed response whose body stalls', () => {
  const stalling = (status: number) =>
    serve((_, response) => {
      response.writeHead(status, { 'content-type': 'text/plain', 'retry-after': '7' })
      response.write('abc')
    })

  test.each([
    ['no shield', () => bare],
    ['a shield without a timeout', () => resilientFetch({ name: 'x', shield: shield('x', circuitBreaker()) })],
  ])('is delivered: %s', async (_, make) => {
    const abort = new AbortController()
    const response = await make()(await stalling(503), { signal: abort.signal })
    expect(response.status).toBe(503)
    const reader = response.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('abc')
    // The caller's signal covers the rest of the body.
    const rest = rejectionOf(reader?.read() as Promise<unknown>)
    abort.abort('enough')
    expect(await rest).toBe('enough')
  })

  test('is retried without a timeout, and its body is cancelled', async () => {
    let requests = 0
    const closed = vi.fn()
    const baseUrl = await serve((_, response) => {
      requests += 1
      response.on('close', () => response.writableFinished || closed())
      response.statusCode = requests === 1 ? 503 : 200
      if (requests === 1) response.write('abc')
      else response.end('back')
    })
    const response = await resilientFetch({ name: 'x', shield: shield('x', retryOnce()) })(baseUrl)
    expect(await response.text()).toBe('back')
    await vi.waitUntil(() => closed.mock.calls.length === 1)
  })

  test('is cancelled if a custom policy gave up while it was read', async () => {
    const closed = vi.fn()
    let finish: (() => void) | undefined
    const origin = await serve((_, response) => {
      response.on('close', closed)
      response.writeHead(503).write('abc')
      finish = () => response.write(Buffer.alloc(1_000_000))
    })
    const { policy, giveUp } = impatient()
    // With a deadline, the policies wait for the body.
    const answer = rejectionOf(resilientFetch({ name: 'x', shield: shield('x', timeout('1h'), policy) })(origin))
    await vi.waitUntil(() => finish !== undefined)
    await settled()
    giveUp()
    expect(String(await answer)).toBe('Error: gave up')
    finish?.()
    await vi.waitUntil(() => closed.mock.calls.length === 1)
  })

  test.each([503, 404])(
    "is thrown after a second with errors: 'throw', with what came of its body: %i",
    async (status) => {
      const clock = virtualClock()
      const send = resilientFetch({ name: 'x', shield: shield({ name: 'x', clock }), errors: 'throw' })
      const answer = upstreamErrorOf(send(await stalling(status)))
      await vi.waitUntil(() => clock.pending === 1)
      await settled()
      await clock.advance(999)
      await clock.advance(1)
      expect(await answer).toMatchObject({ status, body: 'abc', failure: 'status' })
      expect(clock.pending).toBe(0)
    },
  )

  test('is covered by a timeout where the shield has one', async () => {
    const clock = virtualClock()
    const send = resilientFetch({ name: 'x', shield: shield({ name: 'x', clock }, timeout('2s')), errors: 'throw' })
    const answer = upstreamErrorOf(send(await stalling(503)))
    await settled()
    await clock.advance('2s')
    expect(await answer).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
  })
})

describe('unread failed responses of 100 KB under one signal', () => {
  const failing = () =>
    serve((_, response) => {
      response.statusCode = 503
      response.end(Buffer.alloc(100_000, 'x'))
    })

  test.each([
    ['no shield', () => bare],
    ['retries', () => resilientFetch({ name: 'x', shield: shield('x', retryOnce()) })],
    ['a timeout', () => resilientFetch({ name: 'x', shield: shield('x', retryOnce(), timeout('9s')) })],
    ["errors: 'throw'", () => resilientFetch({ name: 'x', shield: false, errors: 'throw' })],
  ])('leave no listener on it: 200 responses, %s', async (_, make) => {
    const origin = await failing()
    const { signal } = new AbortController()
    const send = make()
    const kept: unknown[] = []
    for (let count = 0; count < 200; count += 20) {
      kept.push(...(await Promise.allSettled(Array.from({ length: 20 }, () => send(origin, { signal })))))
    }
    await settled()
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(kept).toHaveLength(200)
  })

  test('end with it, and their connections close', async () => {
    const sockets = new Set<unknown>()
    const origin = await serve((request, response) => {
      sockets.add(request.socket)
      request.socket.on('close', () => sockets.delete(request.socket))
      response.statusCode = 503
      response.end(Buffer.alloc(5_000_000, 'x'))
    })
    const abort = new AbortController()
    const responses = await Promise.all(Array.from({ length: 20 }, () => bare(origin, { signal: abort.signal })))
    expect(sockets.size).toBe(20)
    abort.abort('enough')
    for (const response of responses) expect(await rejectionOf(response.text())).toBe('enough')
    await vi.waitUntil(() => sockets.size === 0)
  })

  test('are collected when their reader has dropped them, and their connections close', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const sockets = new Set<unknown>()
    const origin = await serve((request, response) => {
      sockets.add(request.socket)
      request.socket.on('close', () => sockets.delete(request.socket))
      response.statusCode = 503
      response.end(Buffer.alloc(5_000_000, 'x'))
    })
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 20 }, () => bare(origin, { signal })))
    expect(sockets.size).toBe(20)
    await vi.waitUntil(
      () => {
        collect()
        return sockets.size <= 1
      },
      { timeout: 10_000, interval: 50 },
    )
  })
})
