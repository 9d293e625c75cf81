import { PassThrough, Writable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { type Dispatcher, interceptors, request, stream } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { serve, settled } from '../../http/test/setup.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { retry } from '../../policies/retry/retry.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { resilience } from '../index.ts'
import { testAgent } from './setup.ts'

const alone = () => resilience({ name: 'x', shield: shield('x', timeout('9s'), bulkhead({ limit: 1 }), retry()) })
const composed = (...before: Dispatcher.DispatcherComposeInterceptor[]) => testAgent().compose(...before, alone())

const serving = () =>
  serve((incoming, response) => {
    response.setHeader('cache-control', 'max-age=100')
    if (incoming.url === '/gzip') response.setHeader('content-encoding', 'gzip')
    if (incoming.url === '/broken') {
      response.writeHead(200, { 'content-length': 10 }).write('half')
      setTimeout(() => response.destroy(), 5)
    } else response.end(incoming.url === '/gzip' ? gzipSync('{}') : '{}')
  })

/** Sends two requests, the second as soon as the first has ended. Returns how they ended. */
async function twice(dispatcher: Dispatcher, origin: string, path: string, onStart?: () => void): Promise<unknown> {
  const ends: unknown[] = []
  return await new Promise((resolve) => {
    const end = (how: unknown): void => {
      ends.push(how)
      if (ends.length === 2) resolve(ends)
      else send()
    }
    const send = (): void => {
      dispatcher.dispatch(
        { origin, path, method: 'GET' },
        {
          onRequestStart: () => {},
          onResponseStart: (controller) => {
            onStart?.()
            if (path === '/aborted') controller.abort(new Error('enough'))
          },
          onResponseData: () => {},
          onResponseEnd: () => end('ended'),
          onResponseError: (_, error) => end(error.name),
        },
      )
    }
    send()
  })
}

describe('a caller that has its response finds the permit free', () => {
  test.each<[string, Dispatcher.DispatcherComposeInterceptor[], (dispatcher: Dispatcher, origin: string) => unknown]>([
    [
      'stream',
      [],
      (dispatcher, origin) => stream(origin, { dispatcher, method: 'GET' }, () => new PassThrough().resume()),
    ],
    [
      'stream into a writable',
      [],
      (dispatcher, origin) =>
        stream(
          origin,
          { dispatcher, method: 'GET' },
          () => new Writable({ write: (_chunk, _encoding, done) => done() }),
        ),
    ],
    [
      'a hit of the cache',
      [interceptors.cache()],
      async (dispatcher, origin) => await (await request(origin, { dispatcher })).body.text(),
    ],
    [
      'a decompressed body',
      'decompress' in interceptors ? [interceptors.decompress()] : [],
      async (dispatcher, origin) => await (await request(`${origin}/gzip`, { dispatcher })).body.text(),
    ],
    [
      'the end',
      [],
      async (dispatcher, origin) => expect(await twice(dispatcher, origin, '/')).toEqual(['ended', 'ended']),
    ],
    [
      'an abort after the headers',
      [],
      async (dispatcher, origin) => expect(await twice(dispatcher, origin, '/aborted')).toEqual(['Error', 'Error']),
    ],
    [
      'a body that breaks off',
      [],
      async (dispatcher, origin) =>
        expect(await twice(dispatcher, origin, '/broken')).toEqual(['UpstreamError', 'UpstreamError']),
    ],
    [
      'a handler that throws',
      [],
      async (dispatcher, origin) => {
        const onStart = (): never => {
          throw new RangeError('wrong')
        }
        expect(await twice(dispatcher, origin, '/', onStart)).toEqual(['RangeError', 'RangeError'])
      },
    ],
  ])('%s', async (_, before, send) => {
    const origin = await serving()
    const dispatcher = composed(...before)
    for (let count = 0; count < 5; count += 1) await send(dispatcher, origin)
  })
})

test('a handler whose body times out finds the permit free', async () => {
  const origin = await serve((_, response) => {
    response.writeHead(200, { 'content-length': 10 }).write('half')
  })
  const clock = virtualClock()
  const guarded = shield({ name: 'x', clock }, timeout('2s'), bulkhead({ limit: 1 }))
  const dispatcher = testAgent().compose(resilience({ name: 'x', shield: guarded }))
  const started = vi.fn()
  const ends = twice(dispatcher, origin, '/', started)
  for (let count = 1; count <= 2; count += 1) {
    await vi.waitUntil(() => started.mock.calls.length === count)
    await clock.advance('2s')
  }
  expect(await ends).toEqual(['UpstreamError', 'UpstreamError'])
})

test('a handler whose onResponseEnd throws receives its error', async () => {
  const origin = await serving()
  const onResponseError = vi.fn()
  composed().dispatch(
    { origin, path: '/', method: 'GET' },
    {
      onRequestStart: () => {},
      onResponseEnd: () => {
        throw new RangeError('wrong')
      },
      onResponseError,
    },
  )
  await vi.waitUntil(() => onResponseError.mock.calls.length > 0)
  await settled()
  expect(onResponseError.mock.calls).toEqual([[expect.anything(), new RangeError('wrong')]])
})

test('a dispatcher that is given to the fetch of Node fails as undici alone does, or works', async () => {
  const origin = await serving()
  const outcomeOf = async (dispatcher: Dispatcher): Promise<unknown> =>
    await fetch(origin, { dispatcher } as never).then(
      (response) => response.text(),
      (error: Error) => error.cause,
    )
  const plain = await outcomeOf(testAgent())
  expect(await outcomeOf(composed())).toEqual(plain)
})
