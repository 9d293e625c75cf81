import { createServer } from 'node:http'
import { Writable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import {
  Agent,
  Client,
  type Dispatcher,
  fetch,
  getGlobalDispatcher,
  interceptors,
  Pool,
  request,
  setGlobalDispatcher,
} from 'undici'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { withAmbient } from '../../core/context/ambient.ts'
import { shield } from '../../core/shield.ts'
import { closedOrigin, fullShield, rejectionOf, retryOnce, serve, upstreamErrorOf } from '../../http/test/setup.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { resilience } from '../index.ts'
import { testAgent } from './setup.ts'

/** Fails every other request with a 503, and answers the others with their path and some headers. */
async function flaky() {
  const received: { path: string | undefined; attempt: string | undefined }[] = []
  const origin = await serve((request, response) => {
    received.push({ path: request.url, attempt: request.headers['x-retry-attempt'] as string | undefined })
    if (received.length % 2 === 1) response.writeHead(503).end('busy')
    else response.end(`path ${request.url}`)
  })
  return { origin, received }
}

const retrying = () => resilience({ name: 'inventory', shield: shield('inventory', timeout('5s'), retryOnce()) })

describe('a composed dispatcher', () => {
  test.each<[string, (origin: string) => Dispatcher]>([
    ['Agent', () => new Agent()],
    ['Pool', (origin) => new Pool(origin)],
    ['Client', (origin) => new Client(origin)],
  ])('retries for request: %s', async (_name, make) => {
    const { origin } = await flaky()
    const plain = make(origin)
    onTestFinished(() => plain.destroy())
    const { statusCode, body } = await request(`${origin}/a`, { dispatcher: plain.compose(retrying()) })
    expect([statusCode, await body.text()]).toEqual([200, 'path /a'])
    const own = await plain.compose(retrying()).request({ origin, path: '/b', method: 'GET' })
    expect(await own.body.text()).toBe('path /b')
  })

  test('of a Pool serves requests without an origin', async () => {
    const { origin } = await flaky()
    const pool = new Pool(origin)
    onTestFinished(() => pool.destroy())
    const { body } = await pool.compose(retrying()).request({ path: '/b', method: 'GET' } as never)
    expect(await body.text()).toBe('path /b')
  })

  test('retries for fetch, stream and pipeline', async () => {
    const { origin } = await flaky()
    const dispatcher = testAgent().compose(retrying())
    const response = await fetch(`${origin}/fetch`, { dispatcher })
    expect([response.status, await response.text()]).toEqual([200, 'path /fetch'])
    const chunks: string[] = []
    const sink = () =>
      new Writable({
        write(chunk, _, done) {
          chunks.push(String(chunk))
          done()
        },
      })
    await dispatcher.stream({ origin, path: '/stream', method: 'GET' }, sink)
    const duplex = dispatcher.pipeline({ origin, path: '/pipeline', method: 'PUT' }, ({ body }) => body)
    duplex.end('x')
    for await (const chunk of duplex) chunks.push(String(chunk))
    // The body of a pipeline is a stream, which cannot be sent again, and so is every body of `fetch`.
    expect(chunks).toEqual(['path /stream', 'busy'])
    await (await request(`${origin}/even`, { dispatcher })).body.text()
    const put = await fetch(`${origin}/put`, { dispatcher, method: 'PUT', body: 'x' })
    expect([put.status, await put.text()]).toEqual([503, 'busy'])
  })

  test('gives typed errors to request and fetch', async () => {
    const origin = await closedOrigin()
    const dispatcher = testAgent().compose(resilience({ name: 'inventory', shield: false }))
    expect(await upstreamErrorOf(request(origin, { dispatcher }))).toMatchObject({ failure: 'refused' })
    const error = (await rejectionOf(fetch(origin, { dispatcher }))) as Error
    expect(error.cause).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'refused', service: 'inventory' })
  })

  test('has a breaker, whose refusal reaches the caller', async () => {
    const origin = await serve((_, response) => response.writeHead(500).end())
    const breaker = shield('x', circuitBreaker({ trip: consecutive(1) }))
    const dispatcher = testAgent().compose(resilience({ name: 'x', shield: breaker }))
    await (await request(origin, { dispatcher })).body.dump()
    expect(await rejectionOf(request(origin, { dispatcher }))).toMatchObject({ code: 'CIRCUIT_OPEN' })
  })

  test('aborts at each moment, by the signal of request and of fetch', async () => {
    const origin = await serve((request, response) => {
      if (request.url === '/headers') return
      response.writeHead(200, { 'content-length': '100' })
      response.write('part')
    })
    const { guarded, state } = fullShield()
    const dispatcher = testAgent().compose(resilience({ name: 'x', shield: guarded }))
    const reason = new Error('impatient')
    for (const send of [request, fetch] as (typeof request)[]) {
      for (const path of ['/headers', '/body']) {
        const caller = new AbortController()
        const answer = send(origin + path, { dispatcher, signal: caller.signal }).then((response) => {
          const read = 'text' in response ? (response as unknown as Response).text() : response.body.text()
          setTimeout(() => caller.abort(reason), 5)
          return read
        })
        if (path === '/headers') setTimeout(() => caller.abort(reason), 20)
        expect(await rejectionOf(answer)).toBe(reason)
        await vi.waitFor(() => expect(state()).toMatchObject({ retries: 0, failures: 0, inUse: 0 }))
      }
    }
  })

  test('passes what its handler throws on, unchanged, and counts no failure', async () => {
    const origin = await serve((_, response) => response.end('ok'))
    const { guarded, state } = fullShield()
    const dispatcher = testAgent().compose(resilience({ name: 'x', shield: guarded }))
    const problem = new Error('factory')
    const sink = () => {
      throw problem
    }
    expect(await rejectionOf(dispatcher.stream({ origin, path: '/', method: 'GET' }, sink))).toBe(problem)
    expect(state()).toMatchObject({ failures: 0, inUse: 0 })
  })

  test('passes an upgrade and CONNECT unchanged', async () => {
    const server = createServer()
    server.on('upgrade', (_, socket) =>
      socket.end('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    )
    server.on('connect', (_, socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'))
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    onTestFinished(() => void server.close())
    const origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    const { guarded, state } = fullShield()
    const dispatcher = testAgent().compose(resilience({ name: 'x', shield: guarded }))
    const upgraded = await dispatcher.upgrade({ origin, path: '/', protocol: 'x' } as never)
    upgraded.socket.destroy()
    const connected = await dispatcher.connect({ origin, path: '/' } as never)
    connected.socket.destroy()
    expect([connected.statusCode, state().calls]).toEqual([200, 0])
  })
})

describe('beside the interceptors of undici', () => {
  const gzipped = gzipSync('zipped text')
  const serveAll = async () => {
    let calls = 0
    const origin = await serve((request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: '/zip' }).end()
      else {
        calls += 1
        if (calls === 1) response.writeHead(503).end('busy')
        else response.writeHead(200, { 'content-encoding': 'gzip', 'cache-control': 'max-age=60' }).end(gzipped)
      }
    })
    return { origin, calls: () => calls }
  }
  const all = (): Record<string, Dispatcher.DispatcherComposeInterceptor> => ({
    redirect: interceptors.redirect({ maxRedirections: 3 }),
    decompress: interceptors.decompress({ skipErrorResponses: false }),
    dns: interceptors.dns({ affinity: 4 }),
    cache: interceptors.cache(),
  })

  test.each(['before', 'after'])('it retries and delivers the same if they are composed %s it', async (order) => {
    const { origin, calls } = await serveAll()
    const { redirect, decompress, dns, cache } = all() as { [key: string]: Dispatcher.DispatcherComposeInterceptor }
    const theirs = [dns, redirect, cache, decompress] as Dispatcher.DispatcherComposeInterceptor[]
    const list = order === 'before' ? [...theirs, retrying()] : [retrying(), ...theirs]
    const dispatcher = testAgent().compose(list)
    const named = origin.replace('127.0.0.1', 'localhost')
    for (let call = 0; call < 2; call += 1) {
      const { statusCode, body } = await request(`${named}/redirect`, { dispatcher })
      expect([statusCode, await body.text()]).toEqual([200, 'zipped text'])
      expect((await request(`${named}/zip`, { dispatcher })).statusCode).toBe(200)
    }
    // The first is the failed one. The cache stores what was requested, not where a redirect led.
    expect(calls()).toBe(4)
  })

  test.each(
    Object.keys(all()).flatMap((name) => [
      [name, 'before'],
      [name, 'after'],
    ]),
  )('it works with %s alone, composed %s it', async (name, order) => {
    const { origin } = await serveAll()
    const theirs = all()[name as string] as Dispatcher.DispatcherComposeInterceptor
    const list = order === 'before' ? [theirs, retrying()] : [retrying(), theirs]
    const dispatcher = testAgent().compose(list)
    const named = origin.replace('127.0.0.1', 'localhost')
    const { statusCode, body } = await request(`${named}/zip`, { dispatcher })
    const bytes = Buffer.from(await body.arrayBuffer())
    expect([statusCode, bytes.equals(name === 'decompress' ? Buffer.from('zipped text') : gzipped)]).toEqual([
      200,
      true,
    ])
  })

  test('an inner redirect is part of one attempt; an outer one makes a call of each hop', async () => {
    const received: string[] = []
    const origin = await serve((request, response) => {
      received.push(`${request.url} ${request.headers['x-retry-attempt'] ?? 1}`)
      if (request.url === '/old') response.writeHead(302, { location: '/new' }).end()
      else response.writeHead(received.length === 2 ? 503 : 200).end('moved')
    })
    const redirect = interceptors.redirect({ maxRedirections: 3 })
    for (const [list, expected] of [
      [
        [redirect, retrying()],
        ['/old 1', '/new 1', '/old 2', '/new 2'],
      ],
      [
        [retrying(), redirect],
        ['/old 1', '/new 1', '/new 2'],
      ],
    ] as const) {
      received.length = 0
      const { body, context } = await request(`${origin}/old`, { dispatcher: testAgent().compose([...list]) })
      expect(await body.text()).toBe('moved')
      expect(received).toEqual(expected)
      expect((context as { history: URL[] }).history.map(String)).toContain(`${origin}/old`)
    }
  })

  test('no tracestate and no baggage follows a redirect, in either order', async () => {
    const away: (string | undefined)[] = []
    const target = await serve((request, response) => {
      away.push(...['tracestate', 'baggage'].map((name) => request.headers[name] as string | undefined))
      response.end('away')
    })
    const home: (string | undefined)[] = []
    const origin = await serve((request, response) => {
      home.push(request.headers['baggage'] as string | undefined)
      response.writeHead(307, { location: `${target}/x` }).end()
    })
    const context = {
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      traceFlags: 1,
      traceState: 'a=1',
      baggage: 'user=7',
    }
    const redirect = interceptors.redirect({ maxRedirections: 3 })
    const own = () => resilience({ name: 'x', shield: false, propagate: { origins: [origin] } })
    for (const list of [
      [redirect, own()],
      [own(), redirect],
    ]) {
      const dispatcher = testAgent().compose(list)
      for (let call = 0; call < 2; call += 1) {
        await withAmbient(context, async () => (await request(origin, { dispatcher })).body.text())
      }
    }
    expect(away).toEqual(Array(8).fill(undefined))
    // The first request shows whether the dispatcher follows redirects. Until then neither header is sent.
    expect(home).toEqual([undefined, undefined, undefined, 'user=7'])
  })

  test('no baggage is sent with a request that asks an inner interceptor to follow redirects', async () => {
    const received: unknown[] = []
    const origin = await serve((request, response) => {
      received.push(request.headers['baggage'])
      response.end()
    })
    const own = resilience({ name: 'x', shield: false, propagate: { origins: [origin] } })
    const dispatcher = testAgent().compose(interceptors.redirect(), own)
    const send = async (maxRedirections: number) => {
      const { body } = await dispatcher.request({ origin, path: '/', method: 'GET', maxRedirections } as never)
      await body.dump()
    }
    const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, baggage: 'user=7' }
    await withAmbient(context, async () => {
      for (const maxRedirections of [0, 0, 3]) await send(maxRedirections)
    })
    expect(received).toEqual([undefined, 'user=7', undefined])
  })

  test('the responseError and retry interceptors outside see the final answer', async () => {
    const origin = await serve((_, response) => response.writeHead(500, { 'content-type': 'text/plain' }).end('down'))
    const { responseError } = interceptors
    const dispatcher = testAgent().compose(retrying(), responseError())
    expect(await rejectionOf(request(origin, { dispatcher }))).toMatchObject({ statusCode: 500, body: 'down' })
  })
})

describe('as the global dispatcher', () => {
  test("it serves the request of undici and the runtime's own fetch", async () => {
    const before = getGlobalDispatcher()
    onTestFinished(() => setGlobalDispatcher(before))
    const { origin, received } = await flaky()
    setGlobalDispatcher(testAgent().compose(retrying()))
    expect(await (await request(`${origin}/undici`)).body.text()).toBe('path /undici')
    expect(await (await globalThis.fetch(`${origin}/own`)).text()).toBe('path /own')
    expect(received.map(({ path }) => path)).toEqual(['/undici', '/undici', '/own', '/own'])
  })
})

test('options are checked, with their path', () => {
  const make = (options: object) => () => resilience({ name: 'x', ...options })
  expect(make({ baseUrl: 'http://x' })).toThrow(/baseUrl/)
  expect(make({ errors: 'fetch' })).toThrow(/resilience\.errors/)
  expect(make({ maxOrigins: 0 })).toThrow(/resilience\.maxOrigins/)
})
