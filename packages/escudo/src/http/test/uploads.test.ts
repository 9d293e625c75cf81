import { describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { rawServer } from './raw-server.ts'
import { closedOrigin, rejectionOf, retryOnce, settled, upstreamErrorOf } from './setup.ts'

const bare = resilientFetch({ name: 'x', shield: false })

describe('the stream of an aborted upload is cancelled', () => {
  /** A body that never ends. */
  function endless() {
    const cancelled = vi.fn()
    let pulls = 0
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        pulls += 1
        await new Promise(setImmediate)
        controller.enqueue(new Uint8Array(10))
      },
      cancel: cancelled,
    })
    return { body, cancelled, pulls: () => pulls }
  }

  const requestWith = (body: ReadableStream): Request =>
    new Request('http://x/', { method: 'PUT', body, duplex: 'half' })

  /** A server that reads and never answers. */
  const silent = async (): Promise<string> => (await rawServer(() => {})).origin

  test.each([
    ['without a shield', () => resilientFetch({ name: 'x', shield: false })],
    ['with a shield', () => resilientFetch({ name: 'x', shield: shield('x', retryOnce(), timeout('9s')) })],
    ['buffered', () => resilientFetch({ name: 'x', shield: false, retryBody: { maxBytes: 1e9 } })],
    ['longer than its buffer', () => resilientFetch({ name: 'x', shield: false, retryBody: { maxBytes: 20 } })],
  ])('while it is sent (%s)', async (_, make) => {
    const { body, cancelled, pulls } = endless()
    const abort = new AbortController()
    const answer = rejectionOf(make()(await silent(), { method: 'PUT', body, duplex: 'half', signal: abort.signal }))
    await vi.waitUntil(() => pulls() > 5)
    abort.abort('gone')
    expect(await answer).toBe('gone')
    await settled()
    expect(cancelled.mock.calls).toEqual([['gone']])
    const before = pulls()
    await settled()
    expect(pulls()).toBe(before)
  })

  test('by a timeout, with its error', async () => {
    const { body, cancelled } = endless()
    const clock = virtualClock()
    const send = resilientFetch({ name: 'x', shield: shield({ name: 'x', clock }, timeout('2s')) })
    const answer = upstreamErrorOf(send(await silent(), { method: 'POST', body, duplex: 'half' }))
    await settled()
    await clock.advance('2s')
    expect(await answer).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    expect(cancelled).toHaveBeenCalledWith(expect.objectContaining({ code: 'TIMEOUT' }))
  })

  test('before it is sent: the signal has aborted, the call waits in a queue, or the circuit is open', async () => {
    const gone = AbortSignal.abort('gone')
    const first = endless()
    expect(
      await rejectionOf(bare('http://x/', { method: 'PUT', body: first.body, duplex: 'half', signal: gone })),
    ).toBe('gone')
    expect(first.cancelled.mock.calls).toEqual([['gone']])

    const second = endless()
    const abort = new AbortController()
    const full = shield('x', bulkhead({ limit: 1, queue: 1 }))
    const release = holdPermit(full)
    const waiting = rejectionOf(
      resilientFetch({ name: 'x', shield: full })('http://x/', {
        method: 'PUT',
        body: second.body,
        duplex: 'half',
        signal: abort.signal,
      }),
    )
    abort.abort('gone')
    expect(await waiting).toBe('gone')
    expect(second.cancelled.mock.calls).toEqual([['gone']])
    release()

    const third = endless()
    const breaker = circuitBreaker()
    breaker.isolate()
    const refused = resilientFetch({ name: 'x', shield: shield('x', breaker) })
    const refusal = await rejectionOf(refused('http://x/', { method: 'PUT', body: third.body, duplex: 'half' }))
    expect(third.cancelled).toHaveBeenCalledWith(refusal)
  })

  test('as the body of a Request that was not sent', async () => {
    const { body, cancelled } = endless()
    const breaker = circuitBreaker()
    breaker.isolate()
    const refused = resilientFetch({ name: 'x', shield: shield('x', breaker) })
    await rejectionOf(refused(new Request('http://x/', { method: 'PUT', body, duplex: 'half' })))
    expect(cancelled).toHaveBeenCalledOnce()
  })

  test.each([
    ['a stream', undefined, (body: ReadableStream) => ['http://x/', { method: 'PUT', body, duplex: 'half' }] as const],
    ['a stream', 20, (body: ReadableStream) => ['http://x/', { method: 'PUT', body, duplex: 'half' }] as const],
    ['a Request', undefined, (body: ReadableStream) => [requestWith(body), {}] as const],
    ['a Request', 20, (body: ReadableStream) => [requestWith(body), {}] as const],
  ])('while its attempt prepares %s (buffered: %s), in whichever microtask', async (_, maxBytes, argumentsFor) => {
    const fetch = vi.fn(() => new Promise<Response>(() => {}))
    for (let turns = 0; turns < 40; turns += 1) {
      fetch.mockClear()
      const { body, cancelled } = endless()
      const abort = new AbortController()
      const put = resilientFetch({ name: 'x', shield: false, fetch, ...(maxBytes && { retryBody: { maxBytes } }) })
      const [input, init] = argumentsFor(body)
      const answer = rejectionOf(put(input, { ...init, signal: abort.signal }))
      for (let turn = 0; turn < turns; turn += 1) await undefined
      abort.abort('gone')
      expect(await answer).toBe('gone')
      await settled()
      const isSent = fetch.mock.calls.length > 0
      // A body that was passed on in a Request is left to `fetch`.
      if (isSent && input instanceof Request) continue
      // A buffered Request is cloned: its stream receives the reasons of both clones.
      expect(cancelled, `after ${turns} microtasks`).toHaveBeenCalledOnce()
      expect(new Set(cancelled.mock.calls.flat(2))).toEqual(new Set(['gone']))
    }
  })

  test('as an iterable: its generator is closed', async () => {
    const closed = vi.fn()
    async function* generate() {
      try {
        for (;;) {
          await new Promise(setImmediate)
          yield 'text'
        }
      } finally {
        closed()
      }
    }
    const abort = new AbortController()
    const { origin, sockets } = await rawServer(() => {})
    const answer = rejectionOf(bare(origin, { method: 'POST', body: generate() as never, signal: abort.signal }))
    await vi.waitUntil(() => sockets.size > 0)
    abort.abort('gone')
    expect(await answer).toBe('gone')
    await settled()
    expect(closed).toHaveBeenCalledOnce()
  })

  test('if the connection fails', async () => {
    const { body, cancelled } = endless()
    await rejectionOf(bare(await closedOrigin(), { method: 'POST', body, duplex: 'half' }))
    expect(cancelled).toHaveBeenCalledOnce()
  })
})

/** Takes the one permit of a bulkhead. Returns a function that gives it back. */
function holdPermit(full: { run(operation: () => Promise<unknown>): Promise<unknown> }): () => void {
  let release = (): void => {}
  full.run(() => new Promise<void>((resolve) => (release = resolve))).catch(() => {})
  return () => release()
}
