import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ambient } from '../../../core/context/ambient.ts'
import { expectContract, send, serve, serverPerTest, type TestServer } from './setup.ts'

const start = serverPerTest()
const head = (line: string, ...fields: readonly string[]): string =>
  `${[`${line} HTTP/1.1`, 'Host: shop', ...fields].join('\r\n')}\r\n\r\n`

let server: TestServer
beforeAll(async () => {
  server = await serve((app) => {
    app.get('/ok', async () => ({ ok: true }))
    app.get('/slow', async () => {
      await pause(30)
      return { slow: true }
    })
    app.post('/echo', async ({ body }) => body)
  })
})
afterAll(() => server.app.close())

describe('answers have the order of their requests', () => {
  test.each([
    ['CONNECT behind a slow request', [head('GET /slow'), head('CONNECT x:1')], [200, 405]],
    ['CONNECT behind two requests', [head('GET /slow'), head('GET /ok'), head('CONNECT x:1')], [200, 200, 405]],
    ['CONNECT behind a request that closes', [head('GET /slow', 'Connection: close'), head('CONNECT x:1')], [200]],
    ['an invalid head behind a slow request', [head('GET /slow'), 'rubbish\r\n\r\n'], [200, 400]],
    [
      'an unknown expectation behind a slow request',
      [head('GET /slow'), head('GET /ok', 'Expect: x', 'Connection: close')],
      [200, 417],
    ],
    [
      'an upgrade that nothing accepts closes the connection',
      [head('GET /ok', 'Upgrade: h2c', 'Connection: upgrade'), head('GET /slow')],
      [200],
    ],
    [
      'an upgrade behind a slow request',
      [head('GET /slow'), head('GET /ok', 'Upgrade: h2c', 'Connection: upgrade, close')],
      [200, 200],
    ],
  ])('%s', async (_, requests, statuses) => {
    server.lines.length = 0
    const answers = await send(server.port, requests.join(''))
    expect(answers.map(({ status }) => status)).toEqual(statuses)
    await server.waitForLines('http.request', statuses.length)
  })

  test('a CONNECT whose client disconnects before its turn is logged as 499', async () => {
    server.lines.length = 0
    const socket = connect(server.port, '127.0.0.1')
    socket.write(head('GET /slow') + head('CONNECT x:1'), () => socket.destroy())
    const lines = await server.waitForLines('http.request', 2)
    expect(lines.map((line) => line['status_code'])).toEqual([499, 499])
  })
})

describe('one request gets one answer', () => {
  test.each([
    ['an unknown route whose body ends early', `${head('POST /nope', 'Content-Length: 20')}x`, 404],
    ['an unknown route with a broken chunk', `${head('POST /nope', 'Transfer-Encoding: chunked')}zz\r\n`, 404],
    ['a wrong method whose body ends early', `${head('PUT /ok', 'Content-Length: 20')}x`, 405],
    [
      'a known route whose body ends early',
      `${head('POST /echo', 'Content-Type: application/json', 'Content-Length: 20')}x`,
      400,
    ],
    [
      'a wrong media type whose body ends early',
      `${head('POST /echo', 'Content-Type: text/css', 'Content-Length: 20')}x`,
      415,
    ],
  ])('%s, half-closed', async (_, bytes, status) => {
    server.lines.length = 0
    const answers = await send(server.port, (socket) => {
      const [headers = '', body = ''] = bytes.split(/(?<=\r\n\r\n)/)
      socket.write(headers)
      setTimeout(() => socket.end(body), 30)
    })
    expect(answers.map((answer) => answer.status)).toEqual([status])
    await server.waitForLines('http.request', 1)
    await server.waitForLines('http_error', 1)
  })
})

describe('the Host header', () => {
  test.each([
    ['a b<script>', 400],
    ['a/b', 400],
    ['user@shop', 400],
    ['shop:80:80', 400],
    ['shop:port', 400],
    ['"shop"', 400],
    ['[::1', 400],
    ['shöp', 400],
    ['', 400],
    ['a%zz', 400],
    ['shop, other', 400],
    ['shop', 200],
    ['SHOP.example.:8080', 200],
    ['my_shop-1', 200],
    ['127.0.0.1:1', 200],
    ['[::1]:8000', 200],
    ['[fe80::1%25eth0]', 200],
    ['a%20b', 200],
  ])('%j is answered with %i', async (host, status) => {
    const bytes = Buffer.from(`GET /ok HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, 'utf8')
    const [answer, ...more] = await send(server.port, bytes)
    expect(answer?.status).toBe(status)
    expect(more).toEqual([])
    if (status === 400) expectContract(answer, 400, 'BAD_REQUEST')
  })

  test('may be absent in HTTP/1.0 only, but not be invalid there', async () => {
    const answers = await Promise.all(
      ['GET /ok HTTP/1.0\r\n\r\n', 'GET /ok HTTP/1.0\r\nHost: a b\r\n\r\n'].map((bytes) => send(server.port, bytes)),
    )
    expect(answers.map(([answer]) => answer?.status)).toEqual([200, 400])
  })
})

describe('the answer to HEAD has no body', () => {
  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = ''
      connect(server.port, '127.0.0.1')
        .on('data', (chunk) => {
          text += chunk.toString()
        })
        .on('close', () => resolve(text))
        .on('error', reject)
        .end(bytes)
    })
  test.each([
    ['a NUL in a header', head('HEAD /ok', 'X-Bad: a\u0000b'), 400],
    ['an invalid Host', 'HEAD /ok HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400],
    ['20 KB of header', head('HEAD /ok', `X-Long: ${'x'.repeat(20_000)}`), 431],
    ['a path that cannot be decoded', head('HEAD /%zz', 'Connection: close'), 400],
    ['a broken body', `${head('HEAD /ok', 'Transfer-Encoding: chunked')}zz\r\n`, 400],
  ])('with %s', async (_, bytes, status) => {
    const text = await raw(bytes)
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(text).toMatch(/\r\ncontent-length: [1-9]\d+\r\n/i)
    expect(text.slice(text.indexOf('\r\n\r\n'))).toBe('\r\n\r\n')
  })
})

describe('a client that disconnects', () => {
  const disconnectIn = async (shop: TestServer, path: string): Promise<void> => {
    const socket = connect(shop.port, '127.0.0.1')
    socket.on('error', () => {})
    const arrived = new Promise((resolve) => shop.app.server.once('request', resolve))
    socket.write(head(`GET ${path}`))
    await arrived
    await pause(10)
    socket.destroy()
  }
  const afterDisconnect = (request: { raw: { socket: { destroyed: boolean } } }): Promise<void> =>
    vi.waitFor(() => expect(request.raw.socket.destroyed).toBe(true))

  test.each<readonly [string, () => unknown, string | undefined]>([
    ['a bug', () => new TypeError('late bug'), 'error'],
    ['a thrown string', () => 'late bug', 'error'],
    ['an AbortError', () => new DOMException('aborted', 'AbortError'), undefined],
    ['a reset connection', () => Object.assign(new Error('aborted'), { code: 'ECONNRESET' }), undefined],
  ])('before the handler throws %s: a bug is logged once, at error', async (_, make, level) => {
    let hasThrown = false
    const shop = await start((app) => {
      app.get('/', async (request) => {
        await afterDisconnect(request)
        await shop.waitForLines('http.request', 1)
        hasThrown = true
        throw make()
      })
    })
    await disconnectIn(shop, '/')
    const [line] = await shop.waitForLines('http.request', 1)
    expect(line).toMatchObject({ status_code: 499, log_level: 'info' })
    await vi.waitFor(() => expect(hasThrown).toBe(true))
    await pause(10)
    const failures = shop.lines.filter(({ event }) => event === 'http_error')
    expect(failures.map((failure) => [failure['log_level'], failure['status_code'], failure['trace_id']])).toEqual(
      level === undefined ? [] : [[level, 499, line?.['trace_id']]],
    )
  })

  test('the lines of onRequestAbort and of request listeners have its trace id', async () => {
    const seen: (string | undefined)[] = []
    const shop = await start((app) => {
      app.addHook('onRequestAbort', async (request) => {
        seen.push(ambient()?.traceId)
        request.log.info({}, 'aborted')
      })
      app.get('/', async (request) => {
        request.raw.on('close', () => app.log.info({}, 'closed'))
        await new Promise(() => {})
      })
    })
    await disconnectIn(shop, '/')
    const [line] = await shop.waitForLines('http.request', 1)
    const [aborted] = await shop.waitForLines('aborted', 1)
    const [closed] = await shop.waitForLines('closed', 1)
    for (const other of [aborted, closed]) expect(other?.['trace_id']).toBe(line?.['trace_id'])
    expect(seen).toEqual([line?.['trace_id']])
  })

  test('two pipelined requests are both logged as 499, each abort with its trace id', async () => {
    const shop = await start((app) => {
      app.addHook('onRequestAbort', async (_request) => app.log.info({}, 'aborted'))
      app.get('/', () => new Promise(() => {}))
    })
    const socket = connect(shop.port, '127.0.0.1')
    socket.write(head('GET /') + head('GET /'), () => setTimeout(() => socket.destroy(), 30))
    const lines = await shop.waitForLines('http.request', 2)
    const aborted = await shop.waitForLines('aborted', 2)
    const ids = (list: typeof lines): unknown[] => list.map((line) => line['trace_id']).sort()
    expect(ids(aborted)).toEqual(ids(lines))
    expect(new Set(ids(lines)).size).toBe(2)
  })
})

test('a failure after the headers gives http.request the code and kind of the failure', async () => {
  const shop = await start((app) => {
    app.get('/', async (_, reply) => {
      reply.raw.writeHead(200).write('half')
      throw new Error('torn')
    })
  })
  await send(shop.port, head('GET /', 'Connection: close')).catch(() => {})
  const [line] = await shop.waitForLines('http.request', 1)
  expect(line).toMatchObject({ status_code: 500, error_code: 'INTERNAL_SERVER_ERROR', error_kind: 'technical' })
  await shop.waitForLines('http_error', 1)
})
