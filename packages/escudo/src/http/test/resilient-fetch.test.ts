import { describe, expect, test } from 'vitest'
import { definePolicy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { retryOnce, serve, upstreamErrorOf } from './setup.ts'

describe('the response', () => {
  test('has the URL, headers, cookies, clone and JSON of a fetch response', async () => {
    const baseUrl = await serve((request, response) => {
      if (request.url === '/old') {
        response.writeHead(302, { location: '/api/item' }).end()
        return
      }
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      response.setHeader('content-type', 'application/json')
      response.end('{"stock":42}')
    })
    const get = resilientFetch({ name: 'inventory', baseUrl: `${baseUrl}/api/` })
    const response = await get('/item?x=1')
    expect(response).toBeInstanceOf(Response)
    expect(response.url).toBe(`${baseUrl}/api/item?x=1`)
    expect(response.type).toBe('basic')
    expect(response.redirected).toBe(false)
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    const clone = response.clone()
    expect(clone.url).toBe(response.url)
    expect(clone.clone().redirected).toBe(false)
    expect(await response.json()).toEqual({ stock: 42 })
    expect(await clone.text()).toBe('{"stock":42}')
    expect((await get(`${baseUrl}/old`)).redirected).toBe(true)
  })

  test('of 5 MB arrives unchanged', async () => {
    const bytes = Buffer.alloc(5_000_000, 'abcdefghijk')
    const baseUrl = await serve((_, response) => response.end(bytes))
    const response = await resilientFetch({ name: 'files', baseUrl })('/')
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
  })

  test.each(['HEAD', '204', '304'])('ends its call at once without a body: %s', async (kind) => {
    const baseUrl = await serve((_, response) => {
      if (kind !== 'HEAD') response.statusCode = Number(kind)
      response.setHeader('x-kind', kind)
      response.end()
    })
    const guarded = shield('x', bulkhead({ limit: 1 }))
    const get = resilientFetch({ name: 'x', baseUrl, shield: guarded })
    const response = await get('/', kind === 'HEAD' ? { method: 'HEAD' } : {})
    await new Promise(setImmediate)
    expect(response.headers.get('x-kind')).toBe(kind)
    expect(guarded.status().policies[0]).toMatchObject({ inUse: 0 })
  })
})

describe('a status', () => {
  test.each([408, 425, 429, 500, 502, 503, 504])(
    '%i is retried, and the next response is delivered',
    async (status) => {
      const attempts: unknown[] = []
      const baseUrl = await serve((request, response) => {
        attempts.push(request.headers['x-retry-attempt'])
        response.statusCode = attempts.length === 1 ? status : 200
        response.end('done')
      })
      const response = await resilientFetch({ name: 'x', baseUrl, shield: shield('x', retryOnce()) })('/')
      expect(response.status).toBe(200)
      expect(attempts).toEqual([undefined, '2'])
    },
  )

  test.each([
    [501, 1],
    [505, 1],
    [400, 0],
    [404, 0],
    [409, 0],
  ])('%i is sent once and counts %i breaker failures', async (status, failures) => {
    for (const errors of ['fetch', 'throw'] as const) {
      let calls = 0
      const baseUrl = await serve((_, response) => {
        calls += 1
        response.statusCode = status
        response.end('no')
      })
      const breaker = circuitBreaker({ trip: consecutive(9) })
      const guarded = shield('x', retryOnce(), breaker)
      const answer = resilientFetch({ name: 'x', baseUrl, shield: guarded, errors })('/')
      if (errors === 'fetch') {
        const response = await answer
        expect([response.status, await response.text()]).toEqual([status, 'no'])
      } else expect((await upstreamErrorOf(answer)).status).toBe(status)
      expect(calls).toBe(1)
      expect(guarded.status().policies[1]).toMatchObject({ failures })
    }
  })

  test('is a Response with body, headers and URL after the last retry', async () => {
    let calls = 0
    const baseUrl = await serve((_, response) => {
      calls += 1
      response.writeHead(503, { 'content-type': 'application/json', 'x-call': String(calls) })
      response.end(`{"call":${calls}}`)
    })
    const response = await resilientFetch({ name: 'x', baseUrl, shield: shield('x', retryOnce()) })('/a')
    expect([response.status, response.headers.get('x-call'), response.url]).toEqual([503, '2', `${baseUrl}/a`])
    expect(await response.json()).toEqual({ call: 2 })
  })

  test('releases its connection for the next attempt', async () => {
    let calls = 0
    const ports = new Set<number | undefined>()
    const baseUrl = await serve((request, response) => {
      calls += 1
      ports.add(request.socket.remotePort)
      response.statusCode = calls < 6 ? 503 : 200
      response.end('x'.repeat(10_000))
    })
    const patient = shield('x', retry({ maxRetries: 9, backoff: constant(5) }))
    expect((await resilientFetch({ name: 'x', baseUrl, shield: patient, errors: 'throw' })('/')).status).toBe(200)
    expect([calls, ports.size]).toEqual([6, 1])
  })

  test('keeps a body of 300 KB and discards those of earlier attempts', async () => {
    const closed: number[] = []
    let calls = 0
    const baseUrl = await serve((_, response) => {
      calls += 1
      const call = calls
      response.on('close', () => {
        if (!response.writableFinished) closed.push(call)
      })
      response.statusCode = 500
      if (call === 1) response.write(Buffer.alloc(300_000, 'x'))
      else response.end(Buffer.alloc(300_000, 'y'))
    })
    const response = await resilientFetch({ name: 'x', baseUrl, shield: shield('x', retryOnce()) })('/')
    expect(await response.text()).toBe('y'.repeat(300_000))
    expect(closed).toEqual([1])
  })

  test('has its long body aborted with its caller', async () => {
    const baseUrl = await serve((_, response) => {
      response.statusCode = 500
      response.write(Buffer.alloc(300_000, 'x'))
    })
    const abort = new AbortController()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: false })('/', { signal: abort.signal })
    const text = response.text()
    abort.abort('enough')
    await expect(text).rejects.toBe('enough')
  })

  test.each([
    [500, 'UPSTREAM_ERROR', 502, 'safe', undefined],
    [501, 'UPSTREAM_ERROR', 502, 'never', undefined],
    [503, 'UPSTREAM_UNAVAILABLE', 503, 'safe', 7_000],
    [429, 'UPSTREAM_UNAVAILABLE', 503, 'safe', 7_000],
    [404, 'UPSTREAM_ERROR', 502, 'never', undefined],
  ] as const)("%i is thrown as %s with errors: 'throw'", async (status, code, ours, mayRetry, retryAfterMs) => {
    const baseUrl = await serve((_, response) => {
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '7' })
      response.end('{"why":"so"}')
    })
    const get = resilientFetch({ name: 'inventory', baseUrl, shield: false, errors: 'throw', template: () => '/i/:id' })
    const error = await upstreamErrorOf(get('/i/7?token=secret', { headers: { authorization: 'Bearer secret' } }))
    expect(error).toMatchObject({ code, status, retryAfterMs, method: 'GET', origin: baseUrl, template: '/i/:id' })
    expect(error.body).toEqual({ why: 'so' })
    expect(error.message).toBe(`GET ${baseUrl}/i/:id (inventory) answered ${status}`)
    expect(factsOf(error)).toMatchObject({ code, status: ours, kind: 'technical', retry: mayRetry })
    expect(factsOf(error)?.verdict).toBe(status === 404 ? 'success' : undefined)
    expect(JSON.stringify(error)).not.toMatch(/secret|so/)
  })

  test('is kept if its body ends early', async () => {
    const baseUrl = await serve((request, response) => {
      response.writeHead(503, { 'content-type': 'text/plain', 'content-length': 100, 'retry-after': '7' })
      response.write('half', () => setImmediate(() => request.socket.destroy()))
    })
    const response = await resilientFetch({ name: 'x', baseUrl, shield: false })('/')
    expect(response.status).toBe(503)
    expect(await upstreamErrorOf(response.text())).toMatchObject({ failure: 'body', status: 503 })
    const thrown = resilientFetch({ name: 'x', baseUrl, shield: false, errors: 'throw' })('/')
    expect(await upstreamErrorOf(thrown)).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      retryAfterMs: 7_000,
      body: 'half',
    })
  })

  test('is delivered even if no Response constructor accepts it', async () => {
    const baseUrl = await serve((request) => {
      request.socket.end(Buffer.from('HTTP/1.1 777 \xe9\x01\r\ncontent-length: 2\r\n\r\nhi', 'latin1'))
    })
    const response = await resilientFetch({ name: 'x', baseUrl, shield: false })('/')
    expect([response.status, response.ok, response.clone().status, await response.text()]).toEqual([
      777,
      false,
      777,
      'hi',
    ])
  })

  test.each([
    ['application/problem+json; charset=utf-8', '{"a":1}', { a: 1 }],
    ['application/json', '{"a":', '{"a":'],
    ['text/plain', 'broken', 'broken'],
    ['image/png', 'bytes', undefined],
    ['application/json', JSON.stringify('x'.repeat(200_000)), undefined],
    ['application/json', '', ''],
  ])('puts the parsed body into the error: %s %.9s', async (type, sent, body) => {
    const baseUrl = await serve((_, response) => {
      response.writeHead(500, { 'content-type': type })
      response.end(sent)
    })
    const error = await upstreamErrorOf(resilientFetch({ name: 'x', baseUrl, shield: false, errors: 'throw' })('/'))
    expect(error.body).toEqual(body)
  })
})

describe('a request that is not idempotent', () => {
  test('is not retried', async () => {
    let calls = 0
    const baseUrl = await serve((_, response) => {
      calls += 1
      response.statusCode = 503
      response.end()
    })
    const post = resilientFetch({ name: 'x', baseUrl, shield: shield('x', retryOnce()) })
    for (const method of ['POST', 'PATCH']) await post('/', { method, body: 'x' })
    expect(calls).toBe(2)
  })

  test('is retried with the same Idempotency-Key on all attempts', async () => {
    const keys: unknown[] = []
    const baseUrl = await serve((request, response) => {
      keys.push(request.headers['idempotency-key'])
      response.statusCode = keys.length % 2 === 1 ? 503 : 200
      response.end()
    })
    const guarded = shield('x', retryOnce())
    const plain = resilientFetch({ name: 'x', baseUrl, shield: guarded })
    await plain('/', { method: 'POST', headers: { 'Idempotency-Key': 'mine' } })
    await resilientFetch({ name: 'x', baseUrl, shield: guarded, idempotencyKey: true })('/', { method: 'post' })
    await resilientFetch({ name: 'x', baseUrl, shield: guarded, idempotencyKey: () => 'k' })('/', { method: 'POST' })
    await resilientFetch({ name: 'x', baseUrl, shield: guarded, idempotencyKey: true })('/')
    expect(keys[0]).toBe('mine')
    expect(keys[1]).toBe('mine')
    expect(keys[2]).toMatch(/^[0-9a-f-]{36}$/)
    expect(keys[3]).toBe(keys[2])
    expect(keys.slice(4, 6)).toEqual(['k', 'k'])
    expect(keys[6]).toBeUndefined()
  })

  test('is sent once even if a policy runs the operation twice concurrently', async () => {
    let calls = 0
    const baseUrl = await serve((_, response) => {
      calls += 1
      response.end('one order')
    })
    const both = definePolicy({
      name: 'both',
      wrap: (next) => (call, operation) => Promise.race([next(call, operation), next(call, operation)]),
    })
    const response = await resilientFetch({ name: 'x', baseUrl, shield: shield('x', both) })('/', { method: 'POST' })
    expect(await response.text()).toBe('one order')
    expect(calls).toBe(1)
  })
})
