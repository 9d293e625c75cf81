import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { withAmbient } from '../../core/context/ambient.ts'
import { shield } from '../../core/shield.ts'
import { rawServer } from '../../http/test/raw-server.ts'
import { retryOnce, serve, settled } from '../../http/test/setup.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import type { ResilientRequestOptions } from '../index.ts'
import { client, testAgent } from './setup.ts'

const CONTEXT = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 0xff,
  traceState: 'a=1',
  baggage: 'user=7',
}

/** Serves the headers of each request as JSON. */
const mirror = () => serve((request, response) => response.end(JSON.stringify(request.headers)))

type Options = Partial<ResilientRequestOptions>
type RequestHeaders = NonNullable<Parameters<ReturnType<typeof client>>[1]>['headers']

async function sent(origin: string, options: Options, headers?: RequestHeaders) {
  const { body } = await withAmbient(CONTEXT, () =>
    client({ shield: false, ...options })(origin, { headers: headers ?? null }),
  )
  return (await body.json()) as Record<string, string>
}

describe('the trace context', () => {
  test('reaches own origins whole, and other origins only as traceparent', async () => {
    const origin = await mirror()
    const own = await sent(origin, { baseUrl: origin })
    expect(own).toMatchObject({ tracestate: 'a=1', baggage: 'user=7' })
    expect(own['traceparent']).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[\da-f]{16}-03$/)
    const other = await sent(origin, { baseUrl: 'http://elsewhere' })
    expect(other['traceparent']).toBeDefined()
    expect([other['tracestate'], other['baggage']]).toEqual([undefined, undefined])
    const unset = await sent(origin, { baseUrl: origin }, { traceparent: undefined })
    expect(unset['traceparent']).toMatch(/^00-/)
    const off = await sent(origin, { baseUrl: origin, propagate: { traceparent: false, baggage: false } })
    expect([off['traceparent'], off['tracestate'], off['baggage']]).toEqual([undefined, undefined, undefined])
  })

  test.each<[string, RequestHeaders]>([
    ['an object', { Traceparent: 'mine', 'X-Mine': ['1', '2'] }],
    ['a flat list', ['TraceParent', 'mine', 'X-Mine', '1', 'X-Mine', '2']],
    [
      'Headers',
      new Headers([
        ['traceparent', 'mine'],
        ['x-mine', '1'],
        ['x-mine', '2'],
      ]) as never,
    ],
    [
      'a Map',
      new Map<string, string | string[]>([
        ['traceparent', 'mine'],
        ['x-mine', ['1', '2']],
      ]) as never,
    ],
    [
      'an iterator',
      new Map<string, string | string[]>([
        ['traceparent', 'mine'],
        ['x-mine', ['1', '2']],
      ]).entries() as never,
    ],
  ])('does not replace a header of the caller, and keeps the others: %s', async (_name, headers) => {
    const origin = await mirror()
    const received = await sent(
      origin,
      { baseUrl: origin, deadlineHeader: 'x-left', shield: shield('x', timeout('9s')) },
      headers,
    )
    expect(received).toMatchObject({ traceparent: 'mine', 'x-mine': '1, 2' })
    expect([received['tracestate'], received['baggage']]).toEqual([undefined, undefined])
    expect(Number(received['x-left'])).toBeGreaterThan(8_000)
  })

  test('drops an inbound value that no header may contain', async () => {
    const origin = await mirror()
    const { body } = await withAmbient({ ...CONTEXT, baggage: 'a=\u{1f600}', traceState: 'b=2\r\nx: y' }, () =>
      client({ baseUrl: origin })('/'),
    )
    const received = (await body.json()) as Record<string, string>
    expect([received['baggage'], received['tracestate'], received['x']]).toEqual([undefined, undefined, undefined])
    expect(received['traceparent']).toBeDefined()
  })
})

test('an iterator as headers is sent with each attempt', async () => {
  const received: unknown[] = []
  const origin = await serve((request, response) => {
    received.push([request.headers['x-mine'], request.headers['x-retry-attempt']])
    response.writeHead(503).end()
  })
  const headers = new Map([['x-mine', '1']]).entries()
  await (await client({ shield: shield('x', retryOnce()) })(origin, { headers: headers as never })).body.dump()
  expect(received).toEqual([
    ['1', undefined],
    ['1', '2'],
  ])
})

test('the deadline of a shield around the call is sent', async () => {
  const origin = await mirror()
  const get = client({ shield: false })
  const outer = shield('outer', timeout('5s'))
  const viaSignal = await outer.run(async ({ signal }) => await (await get(origin, { signal })).body.json())
  const viaWrap = await outer.wrap(async () => await (await get(origin)).body.json())()
  for (const received of [viaSignal, viaWrap] as Record<string, string>[]) {
    expect(Number(received['x-request-timeout-ms'])).toBeGreaterThan(4_000)
  }
  const off = await sent(origin, { deadlineHeader: false, shield: shield('x', timeout('5s')) })
  expect(off['x-request-timeout-ms']).toBeUndefined()
})

test('nothing but the documented headers is added to the bytes of a request', async () => {
  const { origin, requests } = await rawServer()
  const headers = ['X-One', '1', 'x-two', '2', 'X-One', '3']
  const dispatcher = testAgent()
  await (await request(`${origin}/p?q=1`, { method: 'POST', body: 'text', headers, dispatcher })).body.text()
  await (await client({ dispatcher })(`${origin}/p?q=1`, { method: 'POST', body: 'text', headers })).body.text()
  await settled()
  const without = requests[1]?.replace(/x-request-timeout-ms: \d+\r\n/, '')
  expect(without).toBe(requests[0])
})
