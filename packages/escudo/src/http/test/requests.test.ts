import type { IncomingHttpHeaders } from 'node:http'
import { beforeEach, describe, expect, test } from 'vitest'
import { withAmbient } from '../../core/context/ambient.ts'
import { TimeoutError } from '../../core/errors.ts'
import { type ShieldEvent, watchAll } from '../../core/events/events.ts'
import { shield } from '../../core/shield.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { BodyNotReplayableError } from '../request/body-not-replayable-error.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { retryOnce, serve, settled } from './setup.ts'

interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

let baseUrl: string
let seen: Seen[]
let statuses: number[]

beforeEach(async () => {
  seen = []
  statuses = []
  baseUrl = await serve(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ method: request.method, url: request.url, headers: request.headers, body })
    response.statusCode = statuses.shift() ?? 200
    response.end('body')
  })
})

const retrying = () => shield('x', retryOnce())

function streamOf(...parts: string[]): ReadableStream<Uint8Array> {
  const bytes = parts.map((part) => new TextEncoder().encode(part))
  return new ReadableStream({
    pull(controller) {
      const next = bytes.shift()
      if (next === undefined) controller.close()
      else controller.enqueue(next)
    },
  })
}

/** A stream that fails after its first chunk. */
function failingStream(error: unknown): ReadableStream<Uint8Array> {
  let pulls = 0
  return new ReadableStream({
    pull(controller) {
      pulls += 1
      if (pulls === 1) controller.enqueue(new Uint8Array(1))
      else controller.error(error)
    },
  })
}

describe('the body of a request', () => {
  test.each([
    ['text', () => 'hello'],
    ['bytes', () => new TextEncoder().encode('hello')],
    ['a buffer', () => new TextEncoder().encode('hello').buffer],
    ['a blob', () => new Blob(['hello'])],
    ['a form', () => new URLSearchParams({ hello: '' })],
  ])('is sent again by a retry: %s', async (_, make) => {
    statuses = [503]
    const response = await resilientFetch({ name: 'x', baseUrl, shield: retrying() })('/', {
      method: 'PUT',
      body: make(),
    })
    expect(response.status).toBe(200)
    expect(seen.map(({ body }) => body.replace('=', ''))).toEqual(['hello', 'hello'])
  })

  test('rejects a retry with BodyNotReplayableError if it is a stream', async () => {
    statuses = [503]
    const put = resilientFetch({ name: 'x', baseUrl, shield: retrying() })
    const error = await put('/', { method: 'PUT', body: streamOf('a', 'b'), duplex: 'half' }).catch((reason) => reason)
    expect(error).toBeInstanceOf(BodyNotReplayableError)
    expect(error.message).toMatch(/stream.*retryBody/)
    expect(error.cause).toMatchObject({ status: 503 })
    expect(seen.map(({ body }) => body)).toEqual(['ab'])
  })

  test('may be a stream without a buffer if the first attempt succeeds', async () => {
    const put = resilientFetch({ name: 'x', baseUrl, shield: retrying() })
    // `duplex` is optional: the client sets it for a stream.
    expect((await put('/', { method: 'PUT', body: streamOf('ab') })).status).toBe(200)
  })

  test('is buffered up to the bound and sent again if it is a stream', async () => {
    statuses = [503, 200, 503]
    const put = resilientFetch({ name: 'x', baseUrl, shield: retrying(), retryBody: { maxBytes: 4 } })
    expect((await put('/', { method: 'PUT', body: streamOf('ab', 'cd') })).status).toBe(200)
    async function* parts() {
      yield Buffer.from('ab')
    }
    expect((await put('/', { method: 'PUT', body: parts() as never })).status).toBe(200)
    expect(seen.map(({ body }) => body)).toEqual(['abcd', 'abcd', 'ab', 'ab'])
  })

  test('is sent whole but only once if its stream exceeds the bound', async () => {
    statuses = [503]
    const put = resilientFetch({ name: 'x', baseUrl, shield: retrying(), retryBody: { maxBytes: 4 } })
    await expect(put('/', { method: 'PUT', body: streamOf('ab', 'cd', 'e', 'fg') })).rejects.toThrow(
      'more than 4 bytes',
    )
    expect(seen.map(({ body }) => body)).toEqual(['abcdefg'])
  })

  test.each([
    ['throws', () => failingStream(new Error('disk'))],
    ['throws an escudo error', () => failingStream(new TimeoutError({ shield: 'y', policy: 't', stacks: false }, 5))],
    ['throws nothing', () => failingStream(undefined)],
    ['yields what is no byte', () => new ReadableStream({ start: (controller) => controller.enqueue('text') })],
  ])('ends the call and is no failure of the dependency if its stream fails: %s', async (_, make) => {
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const guarded = shield('x', retryOnce(), breaker)
    const plain = resilientFetch({ name: 'x', baseUrl, shield: guarded })
    const buffering = resilientFetch({ name: 'x', baseUrl, shield: guarded, retryBody: { maxBytes: 9 } })
    for (const send of [
      () => plain('/', { method: 'PUT', body: make() }),
      () => buffering('/', { method: 'PUT', body: make() }),
      () => buffering(new Request(baseUrl, { method: 'PUT', body: make(), duplex: 'half' })),
    ]) {
      const error = await send().catch((reason) => reason)
      expect(error).toBeInstanceOf(BodyNotReplayableError)
      expect(error.message).toMatch(/^PUT http:.* cannot be sent: its body is a stream that failed/)
      expect(factsOf(error)).toMatchObject({ code: 'BODY_NOT_REPLAYABLE', retry: 'never', verdict: 'ignored' })
    }
    expect(breaker.state).toBe('closed')
    expect(guarded.status().policies[0]).toMatchObject({ retries: 0 })
    expect(seen).toEqual([])
  })

  test('does not delay an abort while its stream is buffered', async () => {
    const put = resilientFetch({ name: 'x', baseUrl, shield: retrying(), retryBody: { maxBytes: 4 } })
    const abort = new AbortController()
    const answer = put('/', { method: 'PUT', body: new ReadableStream(), signal: abort.signal }).catch(
      (reason) => reason,
    )
    abort.abort('gone')
    expect(await answer).toBe('gone')
  })
})

describe('a Request as input', () => {
  test('keeps its method, headers and body unless init overrides them', async () => {
    const send = resilientFetch({ name: 'x', baseUrl: 'http://elsewhere.invalid/', shield: retrying() })
    const make = () => new Request(`${baseUrl}/a?b=1`, { method: 'PUT', body: '{"a":1}', headers: { 'x-own': '1' } })
    await send(make())
    await send(make(), { headers: { 'x-other': '2' }, body: 'new' })
    await send(`${baseUrl}/c`, make())
    expect(seen[0]).toMatchObject({ method: 'PUT', url: '/a?b=1', body: '{"a":1}' })
    expect(seen[0]?.headers).toMatchObject({ 'x-own': '1', 'content-type': 'text/plain;charset=UTF-8' })
    expect(seen[1]).toMatchObject({ method: 'PUT', body: 'new' })
    expect(seen[1]?.headers['x-own']).toBeUndefined()
    expect(seen[1]?.headers['x-other']).toBe('2')
    expect(seen[2]).toMatchObject({ method: 'PUT', url: '/c', body: '{"a":1}' })
  })

  test('is sent again if its body may be buffered', async () => {
    statuses = [503]
    const send = resilientFetch({ name: 'x', shield: retrying(), retryBody: { maxBytes: 100 } })
    const response = await send(new Request(baseUrl, { method: 'PUT', body: '{"a":1}' }))
    expect(response.status).toBe(200)
    expect(seen.map(({ body }) => body)).toEqual(['{"a":1}', '{"a":1}'])
  })

  test('is rejected like by fetch if its body was already used', async () => {
    const used = new Request(baseUrl, { method: 'PUT', body: 'x' })
    await used.text()
    await expect(resilientFetch({ name: 'x' })(used)).rejects.toThrow(TypeError)
  })

  test('aborts the call through its signal', async () => {
    const abort = new AbortController()
    const never = resilientFetch({ name: 'x', shield: retrying(), fetch: () => new Promise(() => {}) })
    const answer = never(new Request('http://x/', { signal: abort.signal })).catch((reason) => reason)
    abort.abort('gone')
    expect(await answer).toBe('gone')
  })
})

describe('the headers of an attempt', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const context = { traceId, spanId: 'b7ad6b7169203331', traceFlags: 1, traceState: 'a=1', baggage: 'user=7' }

  test('carry the trace, with a new span for each attempt', async () => {
    statuses = [503]
    const get = resilientFetch({ name: 'x', baseUrl, shield: retrying() })
    await withAmbient(context, () => get('/'))
    const spans = seen.map(({ headers }) => {
      expect(headers).toMatchObject({ tracestate: 'a=1', baggage: 'user=7' })
      expect(headers['traceparent']).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
      return String(headers['traceparent']).slice(36, 52)
    })
    expect(new Set([...spans, context.spanId]).size).toBe(3)
  })

  test("are not added without a context and never replace the caller's", async () => {
    const get = resilientFetch({ name: 'x', baseUrl, shield: false })
    await get('/')
    const callerHeaders = { traceparent: 'own', 'x-request-timeout-ms': '5' }
    await withAmbient(context, () => get('/', { headers: callerHeaders }))
    expect(Object.keys(seen[0]?.headers ?? {}).filter((key) => /trace|baggage|x-/.test(key))).toEqual([])
    expect(seen[1]?.headers).toMatchObject(callerHeaders)
    expect(seen[1]?.headers['tracestate']).toBeUndefined()
  })

  test('omit a context value with bytes that a header must not contain', async () => {
    const get = resilientFetch({ name: 'x', baseUrl, shield: false })
    const hostile = { ...context, traceState: 'a\r\nx-evil: 1', baggage: '\u{1f480}' }
    expect((await withAmbient(hostile, () => get('/'))).status).toBe(200)
    expect(seen[0]?.headers['x-evil']).toBeUndefined()
  })

  test('carry the time left for the attempt or for the call, whichever is less', async () => {
    statuses = [503, 503]
    const clock = virtualClock()
    const policies = [timeout('5s', { name: 'total' }), retry({ backoff: constant('2s') }), timeout('3s')] as const
    const guarded = shield({ name: 'x', clock }, ...policies)
    const get = resilientFetch({ name: 'x', baseUrl, shield: guarded, deadlineHeader: 'x-budget' })
    const pending = get('/')
    const requestsArrived = async (count: number) => {
      while (seen.length < count) await new Promise(setImmediate)
      await settled()
    }
    await requestsArrived(1)
    await clock.advance('2s')
    await requestsArrived(2)
    await clock.advance('2s')
    expect((await pending).status).toBe(200)
    expect(seen.map(({ headers }) => headers['x-budget'])).toEqual(['3000', '3000', '1000'])
    expect(seen.map(({ headers }) => headers['x-retry-attempt'])).toEqual([undefined, '2', '3'])
  })

  test('carry the deadline and attempt of a shield around the call', async () => {
    statuses = [500]
    const get = resilientFetch({ name: 'x', baseUrl, shield: false, errors: 'throw' })
    const outer = shield('outer', timeout('60s'), retry({ maxRetries: 1, backoff: constant(1) }))
    await outer.wrap(() => get('/'))()
    expect(Number(seen[1]?.headers['x-request-timeout-ms'])).toBeGreaterThan(50_000)
    expect(seen[1]?.headers['x-retry-attempt']).toBe('2')
  })
})

describe('without a shield option', () => {
  test('each origin has a standard shield named after the client', async () => {
    const events: ShieldEvent[] = []
    const unwatch = watchAll((event) => events.push(event))
    const get = resilientFetch({
      name: 'api',
      baseUrl: 'http://home/',
      maxOrigins: 2,
      fetch: async (input) => {
        throw new Error(`unreachable: ${String(input)}`)
      },
    })
    const abort = new AbortController()
    const all = ['/a', 'http://b/', 'http://c:81/'].map((url) => get(url, { signal: abort.signal }))
    // Each call emits the event of its first retry, which holds the name of its shield.
    while (events.length < 3) await new Promise(setImmediate)
    abort.abort('enough')
    for (const answer of all) await expect(answer).rejects.toBe('enough')
    unwatch()
    expect(events.map(({ shield: name }) => name)).toEqual(['api', 'api@b', 'api@c:81'])
  })
})
