import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import {
  closedOrigin,
  fullShield,
  rejectionOf,
  retryOnce,
  serve,
  settled,
  upstreamErrorOf,
} from '../../http/test/setup.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { client } from './setup.ts'

describe('the body of a request', () => {
  const echo = () =>
    serve((request, response) => {
      let text = ''
      request.on('data', (data) => (text += data))
      request.on('end', () => response.writeHead(text === 'again' ? 503 : 200).end(text))
    })

  test.each([
    ['text', () => 'sent'],
    ['bytes', () => Buffer.from('sent')],
    ['a Node stream', () => Readable.from(['se', 'nt'])],
    ['a web stream', () => new Blob(['sent']).stream()],
    [
      'a generator',
      () =>
        (async function* () {
          yield 'se'
          yield Buffer.from('nt')
        })(),
    ],
  ])('arrives: %s', async (_name, body) => {
    const { body: answer } = await client({})(await echo(), { method: 'PUT', body: body() as never })
    expect(await answer.text()).toBe('sent')
  })

  test('is sent again if it is text, and not if it is a stream', async () => {
    const origin = await echo()
    const guarded = shield('x', retryOnce())
    const put = client({ shield: guarded })
    expect((await put(origin, { method: 'PUT', body: 'again' })).statusCode).toBe(503)
    expect(guarded.status().policies[0]).toMatchObject({ retries: 1 })
    const error = await rejectionOf(put(origin, { method: 'PUT', body: Readable.from(['again']) }))
    expect(error).toMatchObject({ code: 'BODY_NOT_REPLAYABLE', cause: { status: 503 } })
    expect(String(error)).toContain('send a string or bytes')
  })

  test.each([
    [
      'a Node stream',
      (fail: () => never) =>
        Readable.from(
          (async function* () {
            yield 'se'
            fail()
          })(),
        ),
    ],
    [
      'a generator',
      async function* (fail: () => never) {
        yield 'se'
        fail()
      },
    ],
  ])('that fails itself is not a failure of the dependency: %s', async (_name, make) => {
    const { guarded, state } = fullShield()
    const problem = new Error('disk')
    const body = make(() => {
      throw problem
    })
    const error = await rejectionOf(client({ shield: guarded })(await echo(), { method: 'PUT', body: body as never }))
    expect(error).toMatchObject({ code: 'BODY_NOT_REPLAYABLE', cause: problem })
    expect(state()).toMatchObject({ retries: 0, failures: 0, inUse: 0 })
  })

  test('is cancelled after a refusal, if it is a stream', async () => {
    const breaker = circuitBreaker()
    breaker.isolate()
    const put = client({ shield: shield('x', breaker) })
    const cancelled = vi.fn()
    const web = new ReadableStream({ cancel: cancelled })
    const node = new Readable({ read() {} })
    await rejectionOf(put('http://x/', { method: 'PUT', body: web as never }))
    await rejectionOf(put('http://x/', { method: 'PUT', body: node }))
    await vi.waitFor(() => expect([cancelled.mock.calls.length, node.destroyed]).toEqual([1, true]))
  })

  test('that is a stream does not hide why the connection failed', async () => {
    const slow = () =>
      Readable.from(
        (async function* () {
          for (let part = 0; part < 20; part += 1) {
            yield Buffer.alloc(100_000)
            await settled()
          }
        })(),
      )
    const reset = await serve((request) => void request.once('data', () => request.socket.resetAndDestroy()))
    const put = client({ shield: false })
    const early = await upstreamErrorOf(put(await closedOrigin(), { method: 'PUT', body: slow() }))
    expect(early).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'refused' })
    const late = await upstreamErrorOf(put(reset, { method: 'PUT', body: slow() }))
    expect(late).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'reset' })
  })
})
