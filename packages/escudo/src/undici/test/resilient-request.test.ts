import { request as bareRequest } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { closedOrigin, fullShield, retryOnce, serve, settled, upstreamErrorOf } from '../../http/test/setup.ts'
import type { UpstreamError } from '../../http/upstream-error.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { retry } from '../../policies/retry/retry.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { client, serveStatuses, testAgent } from './setup.ts'

describe('a response', () => {
  test('is what the request of undici returns', async () => {
    const origin = await serve((_request, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      response.setHeader('trailer', 'x-sum')
      response.write('{"stock":42}')
      response.addTrailers({ 'x-sum': '7' })
      response.end()
    })
    const dispatcher = testAgent()
    const opaque = { mine: true }
    const bare = await bareRequest(`${origin}/item`, { dispatcher, opaque })
    const guarded = await client({ dispatcher, baseUrl: origin })('/item', { opaque })
    expect(await guarded.body.json()).toEqual(await bare.body.json())
    const { body: _, headers: bareHeaders, ...bareRest } = bare
    const { body, headers, ...rest } = guarded
    expect(Object.keys(guarded).sort()).toEqual(Object.keys(bare).sort())
    expect({ ...rest, context: {} }).toEqual({ ...bareRest, context: {} })
    expect({ ...headers, date: '' }).toEqual({ ...bareHeaders, date: '' })
    expect(rest).toMatchObject({ statusCode: 200, trailers: { 'x-sum': '7' }, opaque })
    expect(body.bodyUsed).toBe(true)
  })

  test('has raw headers and a status text if asked', async () => {
    const origin = await serve((_request, response) => response.writeHead(299, 'Fine', { 'X-Case': 'Kept' }).end())
    const { headers, statusCode } = await client({})(origin, { responseHeaders: 'raw' })
    // undici 7 writes the names in lower case for every composed dispatcher.
    expect([statusCode, String(headers)]).toEqual([299, expect.stringMatching(/x-case,Kept/i)])
  })

  test('of 5 MB arrives unchanged', async () => {
    const bytes = Buffer.alloc(5_000_000, 'abcdefghijk')
    const origin = await serve((_, response) => response.end(bytes))
    const { body } = await client({})(origin)
    expect(Buffer.from(await body.arrayBuffer()).equals(bytes)).toBe(true)
  })

  test.each(['HEAD', '204', '304'])('ends its call at once without a body: %s', async (kind) => {
    const origin = await serve((_, response) => {
      if (kind !== 'HEAD') response.statusCode = Number(kind)
      response.end()
    })
    const guarded = shield('x', bulkhead({ limit: 1 }))
    await client({ shield: guarded })(origin, kind === 'HEAD' ? { method: 'HEAD' } : {})
    await vi.waitFor(() => expect(guarded.status().policies[0]).toMatchObject({ inUse: 0 }))
  })

  test('passes informational responses on', async () => {
    const origin = await serve((_, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' })
      response.end('ok')
    })
    const onInfo = vi.fn()
    await (await client({})(origin, { onInfo })).body.text()
    expect(onInfo).toHaveBeenCalledWith(expect.objectContaining({ statusCode: 103 }))
  })
})

describe('a retry', () => {
  test.each([408, 425, 429, 500, 502, 503, 504])('follows a %i', async (status) => {
    const { origin, served } = await serveStatuses(status, 200)
    const { statusCode, body } = await client({ shield: shield('x', retryOnce()) })(origin)
    expect([statusCode, await body.json(), served.length]).toEqual([200, { answer: 2 }, 2])
  })

  test.each([400, 404, 409, 501, 505])('does not follow a %i', async (status) => {
    const { origin, served } = await serveStatuses(status)
    const { statusCode, body } = await client({ shield: shield('x', retryOnce()) })(origin)
    expect([statusCode, await body.json(), served.length]).toEqual([status, { answer: 1 }, 1])
  })

  test.each(['PUT', 'DELETE', 'OPTIONS', 'HEAD'] as const)('repeats a %s', async (method) => {
    const { origin, served } = await serveStatuses(503, 200)
    await (await client({ shield: shield('x', retryOnce()) })(origin, { method })).body.dump()
    expect(served).toEqual([method, method])
  })

  test.each(['POST', 'PATCH'] as const)('repeats a %s only with an idempotency key, the same one', async (method) => {
    const keys: unknown[] = []
    const origin = await serve((request, response) => {
      keys.push(request.headers['idempotency-key'])
      response.writeHead(503).end()
    })
    const guarded = shield('x', retryOnce())
    await (await client({ shield: guarded })(origin, { method, body: 'x' })).body.dump()
    await (await client({ shield: guarded })(origin, { method, headers: { 'Idempotency-Key': 'k' } })).body.dump()
    await (await client({ shield: guarded, idempotencyKey: true })(origin, { method })).body.dump()
    expect(keys).toEqual([undefined, 'k', 'k', keys[3], keys[3]])
    expect(keys[3]).toMatch(/^[\da-f-]{36}$/)
  })

  test('waits as long as Retry-After says', async () => {
    let calls = 0
    const origin = await serve((_request, response) => {
      calls += 1
      if (calls === 1) response.writeHead(503, { 'retry-after': '7' })
      response.end()
    })
    const { clock, guarded } = fullShield()
    const answer = client({ shield: guarded })(origin)
    await vi.waitFor(() => expect(guarded.status().policies[0]).toMatchObject({ retries: 1 }))
    await clock.advance(6_900)
    expect(calls).toBe(1)
    await clock.advance(200)
    expect((await answer).statusCode).toBe(200)
  })

  test('follows a refused connection, with its cause', async () => {
    const origin = await closedOrigin()
    const guarded = shield('x', retryOnce())
    const error = await upstreamErrorOf(client({ shield: guarded })(origin))
    expect(error).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'refused', method: 'GET', origin })
    expect((error.cause as { code?: string }).code).toBe('ECONNREFUSED')
    expect(guarded.status().policies[0]).toMatchObject({ retries: 1 })
  })

  test('has both addresses of a name in its error', async () => {
    const { port } = new URL(await closedOrigin())
    const error = await upstreamErrorOf(client({ shield: false })(`http://localhost:${port}`))
    expect(error.failure).toBe('refused')
    expect(error.origin).toBe(`http://localhost:${port}`)
  })
})

describe('a failed response', () => {
  test('reaches the caller after the last retry, also in pieces and without a deadline', async () => {
    const bytes = Buffer.alloc(300_000, 'abc')
    const origin = await serve((_, response) => {
      response.writeHead(503, { 'x-kept': '1' })
      response.write(bytes.subarray(0, 100_000))
      setTimeout(() => response.end(bytes.subarray(100_000)), 10)
    })
    for (const policies of [[], [timeout('2s')]]) {
      const { statusCode, headers, body } = await client({ shield: shield('x', ...policies, retryOnce()) })(origin)
      expect([statusCode, headers['x-kept']]).toEqual([503, '1'])
      expect(Buffer.from(await body.arrayBuffer()).equals(bytes)).toBe(true)
    }
  })

  test.each([50_000, 100_000])(
    'of %i bytes is dumped before a retry, so that its connection is used again',
    async (length) => {
      const sockets = new Set<{ readonly destroyed: boolean }>()
      let calls = 0
      const origin = await serve((request, response) => {
        sockets.add(request.socket)
        calls += 1
        response.writeHead(calls % 3 === 0 ? 200 : 503).end(Buffer.alloc(length))
      })
      const get = client({ shield: shield('x', retry({ maxRetries: 2, backoff: { delayMs: () => 20 } })) })
      for (let call = 0; call < 8; call += 1) {
        const { body } = await get(origin)
        expect((await body.arrayBuffer()).byteLength).toBe(length)
      }
      expect(calls).toBe(24)
      // undici opens a second connection for a request that follows a body immediately, and a third for a retry then.
      expect(sockets.size).toBeLessThanOrEqual(3)
      expect([...sockets].some(({ destroyed }) => destroyed)).toBe(false)
    },
  )

  test('above 128 KiB closes its connection before a retry', async () => {
    const sockets = new Set<{ readonly destroyed: boolean }>()
    let calls = 0
    const origin = await serve((request, response) => {
      sockets.add(request.socket)
      calls += 1
      response.writeHead(calls === 1 ? 503 : 200).end(Buffer.alloc(5_000_000))
    })
    const { statusCode, body } = await client({ shield: shield('x', retryOnce()) })(origin)
    await body.arrayBuffer()
    expect(statusCode).toBe(200)
    await vi.waitFor(() => expect([...sockets].map(({ destroyed }) => destroyed)).toEqual([true, false]))
  })

  test('that ends early reports that to its reader', async () => {
    const origin = await serve((_, response) => {
      response.writeHead(503, { 'content-length': '100' })
      response.write('part')
      setTimeout(() => response.destroy(), 10)
    })
    const { body } = await client({ shield: false })(origin)
    expect(await upstreamErrorOf(body.text())).toMatchObject({ failure: 'body', status: 503 })
  })
})

describe("errors: 'throw'", () => {
  test.each([404, 500, 503])('throws a %i with its parsed body', async (status) => {
    const { origin } = await serveStatuses(status)
    const template = () => '/items/:id'
    const error = await upstreamErrorOf(client({ shield: false, errors: 'throw', template })(`${origin}/items/7?q=1`))
    const code = status === 503 ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_ERROR'
    expect(error).toMatchObject({ code, failure: 'status', status, body: { answer: 1 }, template: '/items/:id' })
    expect(factsOf(error)?.verdict).toBe(status === 404 ? 'success' : undefined)
  })

  test('leaves no timer behind', async () => {
    const { origin } = await serveStatuses(404)
    const clock = virtualClock()
    await upstreamErrorOf(client({ shield: shield({ name: 'x', clock }), errors: 'throw' })(origin))
    expect(clock.pending).toBe(0)
  })

  test('waits a second at most for the body without a deadline, and not longer than a deadline', async () => {
    const origin = await serve((_, response) => {
      response.writeHead(500, { 'content-type': 'text/plain' })
      response.write('part')
    })
    const clock = virtualClock()
    const caught = (...policies: [] | [ReturnType<typeof timeout>]) => {
      const errors: UpstreamError[] = []
      const get = client({ shield: shield({ name: 'x', clock }, ...policies), errors: 'throw' })
      upstreamErrorOf(get(origin)).then((error) => errors.push(error))
      return errors
    }
    const patient = caught()
    // The head and the first part have arrived when the wait begins.
    await vi.waitUntil(() => clock.pending === 1)
    await settled()
    await clock.advance(999)
    expect(patient).toEqual([])
    await clock.advance(1)
    await vi.waitUntil(() => patient.length === 1)
    expect(patient[0]).toMatchObject({ status: 500, body: 'part' })
    const timed = caught(timeout('5s'))
    await settled()
    await clock.advance(4_999)
    expect(timed).toEqual([])
    await clock.advance(1)
    await vi.waitUntil(() => timed.length === 1)
    expect(timed[0]).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
  })
})

describe('the body', () => {
  test('keeps the permit until it was read', async () => {
    const bytes = Buffer.alloc(1_000_000)
    const origin = await serve((_, response) => response.end(bytes))
    const guarded = shield('x', bulkhead({ limit: 1 }))
    const { body } = await client({ shield: guarded })(origin)
    expect(guarded.status().policies[0]).toMatchObject({ inUse: 1 })
    await body.arrayBuffer()
    expect(guarded.status().policies[0]).toMatchObject({ inUse: 0 })
  })

  test('that is small ends its call unread', async () => {
    const origin = await serve((_, response) => response.end('small'))
    const guarded = shield('x', bulkhead({ limit: 1 }))
    await client({ shield: guarded })(origin)
    await vi.waitFor(() => expect(guarded.status().policies[0]).toMatchObject({ inUse: 0 }))
  })

  test.each(['destroy', 'dump'] as const)('that its reader ends counts as a success: %s', async (method) => {
    const origin = await serve((_, response) => response.end(Buffer.alloc(1_000_000)))
    const { guarded, state } = fullShield()
    const { body } = await client({ shield: guarded })(origin)
    body.on('error', () => {})
    if (method === 'destroy') body.destroy()
    else await body.dump({ limit: 1000 })
    await vi.waitFor(() => expect(state()).toEqual({ retries: 0, failures: 0, calls: 1, inUse: 0 }))
  })

  test('that stalls is cut by the timeout, and is not retried', async () => {
    let calls = 0
    const origin = await serve((_, response) => {
      calls += 1
      response.writeHead(200, { 'content-length': '100' })
      response.write('part')
    })
    const { clock, guarded, state } = fullShield()
    const { body } = await client({ shield: guarded })(origin)
    const text = upstreamErrorOf(body.text())
    await clock.advance(2_000)
    expect(await text).toMatchObject({ code: 'UPSTREAM_TIMEOUT', failure: 'timeout' })
    expect([calls, state()]).toEqual([1, { retries: 0, failures: 1, calls: 1, inUse: 0 }])
  })

  test('that is large and unread ends with the timeout, which does not count as a failure', async () => {
    const origin = await serve((_, response) => response.end(Buffer.alloc(5_000_000)))
    const { clock, guarded, state } = fullShield()
    const { body } = await client({ shield: guarded })(origin)
    await vi.waitFor(() => expect(body.readableLength).toBeGreaterThan(60_000))
    await new Promise((resume) => setTimeout(resume, 30))
    await clock.advance(2_000)
    expect(await upstreamErrorOf(body.text())).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    expect(state()).toMatchObject({ failures: 0, inUse: 0 })
  })

  test('that breaks off is a failure, and is not retried', async () => {
    let calls = 0
    const origin = await serve((_, response) => {
      calls += 1
      response.writeHead(200, { 'content-length': '100' })
      response.write('part')
      setTimeout(() => response.destroy(), 10)
    })
    const { guarded, state } = fullShield()
    const { body } = await client({ shield: guarded })(origin)
    expect(await upstreamErrorOf(body.text())).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'body', status: 200 })
    expect([calls, state()]).toEqual([1, { retries: 0, failures: 1, calls: 1, inUse: 0 }])
  })
})
