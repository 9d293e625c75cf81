import { EventEmitter, getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { rawServer } from '../../http/test/raw-server.ts'
import { fullShield, rejectionOf, serve, settled } from '../../http/test/setup.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { readScrape } from '../../telemetry/metrics/test/setup.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { client, testAgent } from './setup.ts'

/** The ways in which a caller of undici can abort. */
const SIGNALS: readonly (readonly [
  string,
  () => { signal: AbortSignal | EventEmitter; abort: (reason: Error) => void },
])[] = [
  [
    'AbortSignal',
    () => {
      const controller = new AbortController()
      return { signal: controller.signal, abort: (reason) => controller.abort(reason) }
    },
  ],
  [
    'EventEmitter',
    () => {
      const signal = Object.assign(new EventEmitter(), { reason: undefined as Error | undefined })
      const abort = (reason: Error): void => {
        signal.reason = reason
        signal.emit('abort')
      }
      return { signal, abort }
    },
  ],
]

describe.each(SIGNALS)('an abort by an %s', (_kind, make) => {
  const reason = new Error('impatient')

  test('while the call waits for a permit', async () => {
    let calls = 0
    const origin = await serve(() => {
      calls += 1
    })
    const guarded = shield('x', bulkhead({ limit: 1, queue: 1 }))
    const get = client({ shield: guarded })
    const first = make()
    const running = rejectionOf(get(origin, { signal: first.signal }))
    await vi.waitFor(() => expect(calls).toBe(1))
    const { signal, abort } = make()
    const waiting = rejectionOf(get(origin, { signal }))
    expect(guarded.status().policies[0]).toMatchObject({ queued: 1 })
    abort(reason)
    expect(await waiting).toBe(reason)
    expect(guarded.status().policies[0]).toMatchObject({ queued: 0, inUse: 1 })
    first.abort(reason)
    expect([await running, calls]).toEqual([reason, 1])
  })

  test('while the call waits for a retry', async () => {
    let calls = 0
    const origin = await serve((_, response) => {
      calls += 1
      response.writeHead(503).end()
    })
    const { guarded, state } = fullShield()
    const { signal, abort } = make()
    const answer = rejectionOf(client({ shield: guarded })(origin, { signal }))
    await vi.waitFor(() => expect(state().retries).toBe(1))
    abort(reason)
    expect(await answer).toBe(reason)
    expect([calls, state()]).toEqual([1, { retries: 1, failures: 1, calls: 1, inUse: 0 }])
  })

  test('while the connection is opened, and while the headers are awaited', async () => {
    const { origin, requests, sockets } = await rawServer(() => {})
    const { guarded, state } = fullShield()
    const get = client({ shield: guarded })
    const early = make()
    const answer = rejectionOf(get(origin, { signal: early.signal }))
    early.abort(reason)
    expect(await answer).toBe(reason)
    const late = make()
    const second = rejectionOf(get(origin, { signal: late.signal }))
    await vi.waitFor(() => expect(requests).toHaveLength(1))
    late.abort(reason)
    expect(await second).toBe(reason)
    await vi.waitFor(() => expect(sockets.size).toBe(0))
    expect(state()).toEqual({ retries: 0, failures: 0, calls: 0, inUse: 0 })
  })

  test('while the body is read, and while a failed body is held', async () => {
    const origin = await serve((request, response) => {
      response.writeHead(request.url === '/failed' ? 503 : 200, { 'content-length': '100' })
      response.write('part')
    })
    const { guarded, state } = fullShield()
    const get = client({ shield: guarded })
    const { signal, abort } = make()
    const { body } = await get(origin, { signal })
    const text = rejectionOf(body.text())
    abort(reason)
    expect(await text).toBe(reason)
    // An emitter has no state, so that its abort is the end that a reader gives to a body: a success.
    const calls = signal instanceof AbortSignal ? 0 : 1
    await vi.waitFor(() => expect(state()).toEqual({ retries: 0, failures: 0, calls, inUse: 0 }))
    const held = make()
    const failed = rejectionOf(get(`${origin}/failed`, { signal: held.signal }))
    await settled()
    held.abort(reason)
    expect(await failed).toBe(reason)
    expect(state()).toEqual({ retries: 0, failures: 0, calls, inUse: 0 })
  })

  test('of a failed response that the caller reads', async () => {
    const closed = vi.fn()
    const origin = await serve((request, response) => {
      request.socket.on('close', closed)
      response.writeHead(503, { 'content-length': '100' })
      response.write('part')
    })
    const { signal, abort } = make()
    const { body } = await client({ shield: false })(origin, { signal })
    const text = rejectionOf(body.text())
    abort(reason)
    expect(await text).toBe(reason)
    await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce())
  })

  test('after the body has no effect', async () => {
    const origin = await serve((_, response) => response.end('ok'))
    const { signal, abort } = make()
    const { body } = await client({})(origin, { signal })
    expect(await body.text()).toBe('ok')
    abort(reason)
    await settled()
  })
})

test('an aborted signal sends nothing, and leaves no listener', async () => {
  let calls = 0
  const origin = await serve((_, response) => {
    calls += 1
    response.end()
  })
  const get = client({ shield: shield('x', retry({ maxRetries: 1, backoff: constant(1) })) })
  const reason = new Error('too late')
  expect(await rejectionOf(get(origin, { signal: AbortSignal.abort(reason) }))).toBe(reason)
  expect(calls).toBe(0)
  const { signal } = new AbortController()
  for (let call = 0; call < 5; call += 1) await (await get(origin, { signal })).body.text()
  await settled()
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

test('an abort while the request waits for a connection counts as an abort', async () => {
  const { origin, requests } = await rawServer(() => {})
  const metrics = createMetrics()
  const get = client({ shield: false, dispatcher: testAgent({ connections: 1 }) })
  const first = new AbortController()
  const stuck = rejectionOf(get(origin, { signal: first.signal }))
  await vi.waitFor(() => expect(requests).toHaveLength(1))
  const caller = new AbortController()
  const queued = rejectionOf(get(origin, { signal: caller.signal }))
  await settled()
  caller.abort('impatient')
  expect(await queued).toBe('impatient')
  const { samples } = readScrape(metrics.scrape().body)
  const ended = samples.filter(({ name }) => name === 'http_client_request_duration_seconds_count')
  expect(ended.map(({ labels, value }) => [labels['error_type'], value])).toEqual([['aborted', 1]])
  metrics.close()
  first.abort('done')
  expect(await stuck).toBe('done')
})

test('a timeout ends a request that waits for a connection, and it is never sent', async () => {
  const { origin, requests } = await rawServer((socket, request) => {
    if (!request.startsWith('GET /stuck')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
  })
  const dispatcher = testAgent({ connections: 1, pipelining: 1 })
  const { clock, guarded } = fullShield()
  const stuck = rejectionOf(client({ shield: false, dispatcher })(`${origin}/stuck`))
  await vi.waitFor(() => expect(requests).toHaveLength(1))
  const queued = rejectionOf(client({ shield: guarded, dispatcher })(`${origin}/queued`, { method: 'POST' }))
  await settled()
  await clock.advance(2_000)
  expect(await queued).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
  await dispatcher.destroy()
  await stuck
  expect(requests.map((request) => request.split(' ')[1])).toEqual(['/stuck'])
})

test('an abort with a reason that throws when it is looked at rejects the call with it', async () => {
  const { proxy: reason, revoke } = Proxy.revocable(new Error('gone'), {})
  revoke()
  const controller = new AbortController()
  const origin = await serve(() => controller.abort(reason))
  const outcome = client({ shield: shield('x', retry()) })(origin, { signal: controller.signal }).then(
    () => 'a response',
    (error) => (error === reason ? 'the reason' : 'another error'),
  )
  expect(await outcome).toBe('the reason')
})
