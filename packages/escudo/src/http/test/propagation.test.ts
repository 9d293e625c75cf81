import { beforeEach, describe, expect, test } from 'vitest'
import { withAmbient } from '../../core/context/ambient.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type PropagateOptions, resilientFetch } from '../index.ts'
import { comparable, type RawServer, rawServer } from './raw-server.ts'
import { rejectionOf, settled } from './setup.ts'

const CONTEXT = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 0xff,
  traceState: 'a=1',
  baggage: 'user=7',
}

/** The names of the context headers of a request. */
function contextOf(request: string | undefined): string[] {
  return ['traceparent', 'tracestate', 'baggage'].filter((name) => request?.includes(`\r\n${name}: `))
}

const ALL = ['traceparent', 'tracestate', 'baggage']

describe('the trace context', () => {
  let home: RawServer
  let other: RawServer

  beforeEach(async () => {
    home = await rawServer()
    other = await rawServer()
  })

  const send = async (options: { baseUrl?: string; propagate?: PropagateOptions }, url: string) => {
    await withAmbient(CONTEXT, () => resilientFetch({ name: 'x', shield: false, ...options })(url))
  }

  test('reaches the origin of baseUrl whole, and other origins only as traceparent', async () => {
    const baseUrl = `${home.origin}/api`
    await send({ baseUrl }, '/items')
    await send({ baseUrl }, `${home.origin}/elsewhere`)
    await send({ baseUrl }, other.origin)
    expect(home.requests.map(contextOf)).toEqual([ALL, ALL])
    expect(other.requests.map(contextOf)).toEqual([['traceparent']])
  })

  test('is sent only as traceparent without baseUrl, unless the origin is named', async () => {
    await send({}, home.origin)
    await send({ propagate: { origins: [home.origin] } }, home.origin)
    await send({ baseUrl: home.origin, propagate: { origins: [`${other.origin}/`] } }, other.origin)
    expect(home.requests.map(contextOf)).toEqual([['traceparent'], ALL])
    expect(other.requests.map(contextOf)).toEqual([ALL])
  })

  test.each([
    [{ baggage: false }, ['traceparent', 'tracestate']],
    [{ tracestate: false }, ['traceparent', 'baggage']],
    // A `tracestate` belongs to its `traceparent`.
    [{ traceparent: false }, ['baggage']],
    [{ traceparent: false, baggage: false }, []],
    [{ traceparent: true, tracestate: true, baggage: true }, ALL],
    [{ baggage: undefined }, ALL],
  ])('is sent in part: %j', async (propagate, expected) => {
    await send({ baseUrl: home.origin, propagate }, '/')
    expect(contextOf(home.requests[0])).toEqual(expected)
  })

  test('has only the trace flags that W3C defines', async () => {
    await send({ baseUrl: home.origin }, '/')
    expect(home.requests[0]).toMatch(/\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-03\r\n/)
  })

  test.each([
    [{ baggage: 'no' }, 'resilientFetch.propagate.baggage'],
    [{ trace: true }, 'resilientFetch.propagate.trace'],
    [{ origins: 'http://a' }, 'resilientFetch.propagate.origins'],
    [{ origins: ['http://a', '/b'] }, 'resilientFetch.propagate.origins[1]'],
    [{ origins: ['http://a/b'] }, 'resilientFetch.propagate.origins[0]'],
    [{ origins: ['ftp://a'] }, 'resilientFetch.propagate.origins[0]'],
    [{ origins: ['http://u:p@a'] }, 'resilientFetch.propagate.origins[0]'],
    [false, 'resilientFetch.propagate'],
  ])('rejects the option %j', (propagate, path) => {
    const make = (): unknown => resilientFetch({ name: 'x', propagate: propagate as never })
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(expect.objectContaining({ path }))
  })
})

describe('a redirect', () => {
  /** A pair of servers: `/go?status&to` redirects, everything else is answered. */
  async function pair() {
    const answer = (socket: { end(text: string): void }, request: string): void => {
      const query = new URLSearchParams(/^\S+ \/go\?(\S*)/.exec(request)?.[1])
      const to = query.get('to')
      const headers = 'content-length: 4\r\nconnection: close\r\n'
      if (to === null) socket.end(`HTTP/1.1 200 OK\r\n${headers}\r\nbody`)
      else socket.end(`HTTP/1.1 ${query.get('status')} x\r\nlocation: ${to}\r\n${headers}\r\nbody`)
    }
    return { home: await rawServer(answer), other: await rawServer(answer) }
  }

  const go = (origin: string, status: number, to: string) =>
    `${origin}/go?${new URLSearchParams({ status: String(status), to })}`

  test('to another origin takes traceparent along, but not tracestate and baggage, also on the way back', async () => {
    const { home, other } = await pair()
    const back = go(other.origin, 302, `${home.origin}/back`)
    const get = resilientFetch({ name: 'x', baseUrl: home.origin, shield: false })
    const response = await withAmbient(CONTEXT, () => get(go(home.origin, 302, go(home.origin, 307, back))))
    expect([response.status, response.redirected, response.url, await response.text()]).toEqual([
      200,
      true,
      `${home.origin}/back`,
      'body',
    ])
    expect(home.requests.map(contextOf)).toEqual([ALL, ALL, ['traceparent']])
    expect(other.requests.map(contextOf)).toEqual([['traceparent']])
  })

  const bodies: readonly (readonly [string, () => RequestInit])[] = [
    ['no body', () => ({})],
    ['text', () => ({ body: 'text' })],
    ['bytes', () => ({ body: new Uint8Array([1, 2]) })],
    ['a form', () => ({ body: new URLSearchParams({ a: '1' }) })],
    ['a blob', () => ({ body: new Blob(['x'], { type: 'text/x-test' }) })],
    ['a stream', () => ({ body: new Blob(['abc']).stream(), duplex: 'half' })],
  ]
  const methods = ['GET', 'HEAD', 'POST', 'PUT']
  const statuses = [301, 302, 303, 307, 308]
  const table = methods.flatMap((method) =>
    bodies
      .filter(([kind]) => kind === 'no body' || method === 'POST' || method === 'PUT')
      .flatMap(([kind, make]) => statuses.map((status) => [method, kind, status, make] as const)),
  )

  test.each(table)('is followed like by fetch: %s with %s, %i', async (method, _, status, make) => {
    const { home, other } = await pair()
    const headers = { Authorization: 'secret', Cookie: 'a=1', 'X-Own': '1', 'Content-Language': 'es' }
    const get = resilientFetch({ name: 'x', baseUrl: home.origin, shield: false })
    const run = async (send: typeof fetch, asRequest: boolean) => {
      home.requests.length = 0
      other.requests.length = 0
      const url = go(home.origin, status, go(home.origin, status, `${other.origin}/%C3%B1#end`))
      const init = { method, headers, ...make() }
      const outcome = await withAmbient(CONTEXT, () =>
        asRequest ? send(new Request(url, init)) : send(url, init),
      ).then(
        async (response) => [response.status, response.url, response.redirected, response.type, await response.text()],
        () => 'failed',
      )
      return { outcome, home: home.requests.map(comparable), other: other.requests.map(comparable) }
    }
    for (const asRequest of [false, true]) {
      // The body of a Request may be sent again by 307 and 308, even if it is a stream: only `fetch` knows the difference.
      if (asRequest && _ === 'a stream') continue
      expect(await run(get, asRequest)).toEqual(await run(fetch, asRequest))
    }
  })

  test.each([
    ['without a location', (_: string) => ({ status: 302, to: undefined })],
    ['to an invalid URL', (_: string) => ({ status: 302, to: 'http://[' })],
    ['to another scheme', (_: string) => ({ status: 302, to: 'ftp://x/' })],
    ['to a URL with a password', (home: string) => ({ status: 302, to: home.replace('//', '//u:p@') })],
    ['of a status that is none', (home: string) => ({ status: 300, to: home })],
    ['that returns to itself', (_: string) => ({ status: 302, to: '/' })],
    ['to a path in UTF-8', (_: string) => ({ status: 302, to: '/ok/\u00c3\u00b1' })],
  ])('ends like with fetch: %s', async (_, make) => {
    const server = await rawServer((socket, request) => {
      const { status, to } = make(server.origin)
      const location = to === undefined || request.includes(' /ok') ? '' : `location: ${to}\r\n`
      socket.end(
        Buffer.from(`HTTP/1.1 ${status} x\r\n${location}content-length: 0\r\nconnection: close\r\n\r\n`, 'latin1'),
      )
    })
    const get = resilientFetch({ name: 'x', baseUrl: server.origin, shield: false })
    const run = async (send: typeof fetch) => {
      server.requests.length = 0
      const outcome = await withAmbient(CONTEXT, () => send(`${server.origin}/`)).then(
        ({ status, url, redirected }) => ({ status, url, redirected }),
        () => 'failed',
      )
      return { outcome, requests: server.requests.map(comparable) }
    }
    expect(await run(get)).toEqual(await run(fetch))
  })

  test('asks again for the body of a Request of up to 1 MiB, and fails for a longer one', async () => {
    const { home } = await pair()
    const get = resilientFetch({ name: 'x', baseUrl: home.origin, shield: false })
    const put = (bytes: number) => {
      const request = new Request(go(home.origin, 307, `${home.origin}/end`), {
        method: 'PUT',
        body: 'x'.repeat(bytes),
      })
      return withAmbient(CONTEXT, () => get(request))
    }
    expect((await put(1_048_576)).status).toBe(200)
    expect(home.requests[1]).toMatch(/^content-length: 1048576\r$/im)
    expect(await rejectionOf(put(1_048_577))).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'network' })
  })

  test('stops copying the body of a Request when its attempt fails', async () => {
    let pulls = 0
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        pulls += 1
        await new Promise(setImmediate)
        controller.enqueue(new Uint8Array(10))
      },
    })
    const failing = async (): Promise<never> => {
      throw new TypeError('fetch failed')
    }
    const put = resilientFetch({ name: 'x', baseUrl: 'http://x', shield: false, fetch: failing })
    const request = new Request('http://x/', { method: 'PUT', body, duplex: 'half' })
    await rejectionOf(withAmbient(CONTEXT, () => put(request)))
    await settled()
    const before = pulls
    await settled()
    expect(pulls).toBe(before)
  })

  test("is not followed with redirect: 'error' or 'manual', as with fetch", async () => {
    const { home, other } = await pair()
    const get = resilientFetch({ name: 'x', baseUrl: home.origin, shield: false })
    const url = go(home.origin, 302, other.origin)
    expect((await withAmbient(CONTEXT, () => get(url, { redirect: 'manual' }))).status).toBe(302)
    await rejectionOf(withAmbient(CONTEXT, () => get(url, { redirect: 'error' })))
    expect(other.requests).toHaveLength(0)
  })

  test("leaves the caller's own baggage to fetch", async () => {
    const { home, other } = await pair()
    const get = resilientFetch({ name: 'x', baseUrl: home.origin, shield: false, propagate: { tracestate: false } })
    await withAmbient(CONTEXT, () => get(go(home.origin, 302, other.origin), { headers: { baggage: 'mine' } }))
    expect(other.requests[0]).toContain('\r\nbaggage: mine\r\n')
  })
})
