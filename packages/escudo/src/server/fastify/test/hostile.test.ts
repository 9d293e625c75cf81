import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { route } from '../../fastify.ts'
import { expectContract, send, serve, type TestServer, TRACE_ID } from './setup.ts'

let server: TestServer
let startedCount = 0
beforeAll(async () => {
  server = await serve(
    (app) => {
      app.addHook('onRequest', async () => {
        startedCount += 1
      })
      app.get('/ok', async () => ({ ok: true }))
      app.get('/items/:id', async (request) => request.params)
      app.post(
        '/users',
        route({ body: z.object({ email: z.string(), nombre: z.string() }) }, async ({ body }) => body),
      )
      app.get('/waiting', () => new Promise(() => {}))
    },
    { bodyLimit: 1_024, http: { headersTimeout: 300, connectionsCheckingInterval: 50 }, requestTimeoutMs: 600 },
  )
})
afterAll(() => server.app.close())

const head = (line: string, ...fields: readonly string[]): string =>
  `${[`${line} HTTP/1.1`, 'Host: shop', 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`
const post = (body: string, type = 'application/json'): string =>
  head('POST /users', `Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`) + body

describe('a hostile request gets one answer, one http.request and one http_error line', () => {
  const user = '{"email":"a@b","nombre":"A"}'
  test.each<readonly [string, string | Uint8Array, number, string, string]>([
    ['malformed JSON', post('{"email":'), 400, 'MALFORMED_JSON', '/users'],
    ['empty JSON', post(''), 400, 'MALFORMED_JSON', '/users'],
    ['no body and no content type', head('POST /users', 'Content-Length: 0'), 400, 'MALFORMED_JSON', '/users'],
    ['__proto__ in a body', post('{"__proto__":{"x":1},"email":"a","nombre":"b"}'), 400, 'MALFORMED_JSON', '/users'],
    [
      'bytes that are not UTF-8',
      Buffer.concat([
        Buffer.from(head('POST /users', 'Content-Type: application/json', 'Content-Length: 4')),
        Buffer.from([0x22, 0xff, 0xfe, 0x22]),
      ]),
      400,
      'MALFORMED_JSON',
      '/users',
    ],
    ['another charset', post(user, 'application/json; charset=latin1'), 415, 'UNSUPPORTED_MEDIA_TYPE', '/users'],
    ['plain text', post(user, 'text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE', '/users'],
    ['an invalid content type', post(user, 'rubbish'), 415, 'UNSUPPORTED_MEDIA_TYPE', '/users'],
    ['no content type', `${head('POST /users', 'Content-Length: 2')}{}`, 415, 'UNSUPPORTED_MEDIA_TYPE', '/users'],
    ['a body over the limit', post(`"${'x'.repeat(2_000)}"`), 413, 'PAYLOAD_TOO_LARGE', '/users'],
    ['an unknown route', head('GET /nowhere'), 404, 'ROUTE_NOT_FOUND', '/nowhere'],
    ['an unknown route with broken JSON', post('{').replace('/users', '/nowhere'), 404, 'ROUTE_NOT_FOUND', '/nowhere'],
    ['a wrong method', head('DELETE /ok'), 405, 'METHOD_NOT_ALLOWED', '/ok'],
    ['a method that Fastify does not know', head('PURGE /ok'), 405, 'METHOD_NOT_ALLOWED', '/ok'],
    ['a path that cannot be decoded', head('GET /items/%zz'), 400, 'BAD_REQUEST', '/items/%zz'],
    [
      'a parameter that is too long',
      head(`GET /items/${'x'.repeat(5_000)}`),
      414,
      'URI_TOO_LONG',
      `/items/${'x'.repeat(2_041)}`,
    ],
    ['a URL that is too long', head(`GET /ok?${'x'.repeat(9_000)}`), 414, 'URI_TOO_LONG', '/ok'],
    ['no Host', 'GET /ok HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'BAD_REQUEST', '/ok'],
    ['two Hosts', head('GET /ok', 'Host: other'), 400, 'BAD_REQUEST', '/ok'],
    ['an unknown expectation', head('GET /ok', 'Expect: the-moon'), 417, 'EXPECTATION_FAILED', '/ok'],
    ['20 KB of header', head('GET /ok', `X-Long: ${'x'.repeat(20_000)}`), 431, 'HEADERS_TOO_LARGE', '/ok'],
    ['bytes that are not HTTP', 'rubbish\r\n\r\n', 400, 'BAD_REQUEST', ''],
    ['a header with NUL', head('GET /ok', 'X-Bad: a\u0000b'), 400, 'BAD_REQUEST', '/ok'],
    [
      'both Content-Length and Transfer-Encoding, as in request smuggling',
      `${head('POST /users', 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      400,
      'BAD_REQUEST',
      '/users',
    ],
    [
      'a broken chunk',
      `${head('POST /users', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}zz\r\n`,
      400,
      'BAD_REQUEST',
      '/users',
    ],
    ['a head that never ends', 'GET /ok HTTP/1.1\r\nHost: shop\r\nX-Slow: ', 408, 'REQUEST_TIMEOUT', ''],
    [
      'a body that never ends',
      `${head('POST /users', 'Content-Type: application/json', 'Content-Length: 100')}{`,
      408,
      'REQUEST_TIMEOUT',
      '/users',
    ],
    ['CONNECT', head('CONNECT shop:443'), 405, 'METHOD_NOT_ALLOWED', 'shop:443'],
  ])('%s', async (_, bytes, status, code, path) => {
    server.lines.length = 0
    const answers = await send(server.port, bytes)
    expect(answers).toHaveLength(1)
    expectContract(answers[0], status, code)
    const [line] = await server.waitForLines('http.request', 1)
    expect(line).toMatchObject({
      status_code: status,
      path,
      latency_ms: expect.any(Number),
      method: expect.any(String),
    })
    expect(line).toHaveProperty('route')
    expect(line?.['trace_id']).toBe(answers[0]?.body.trace_id)
    const [failure] = await server.waitForLines('http_error', 1)
    expect(failure).toMatchObject({
      status_code: status,
      error_code: code,
      path,
      trace_id: line?.['trace_id'],
      log_level: 'info',
    })
    expect(JSON.stringify(server.lines)).not.toContain('xxxxxxxx?')
    expectContract((await send(server.port, head('GET /nowhere')))[0], 404, 'ROUTE_NOT_FOUND')
  })

  test('lists the allowed methods in a 405', async () => {
    const [answer] = await send(server.port, head('DELETE /ok'))
    expect(answer?.headers['allow']).toBe('GET, HEAD')
  })

  test('answers HEAD with the headers of the error and no body', async () => {
    const [answer] = await send(server.port, head('HEAD /nowhere'))
    expect(answer).toMatchObject({ status: 404, text: '' })
    expect(Number(answer?.headers['content-length'])).toBeGreaterThan(100)
    expect(answer?.headers['x-trace-id']).toMatch(TRACE_ID)
  })
})

describe('connections', () => {
  test('logs the request with 499 when a client disconnects while it waits', async () => {
    server.lines.length = 0
    const socket = connect(server.port, '127.0.0.1')
    const before = startedCount
    socket.write(head('GET /waiting'))
    await vi.waitFor(() => expect(startedCount).toBe(before + 1))
    socket.destroy()
    const [line] = await server.waitForLines('http.request', 1)
    expect(line).toMatchObject({ status_code: 499, log_level: 'info', route: '/waiting' })
  })

  test('logs the request alone above debug when a client disconnects in the middle of its body', async () => {
    server.lines.length = 0
    const socket = connect(server.port, '127.0.0.1')
    const before = startedCount
    socket.write(`${head('POST /users', 'Content-Type: application/json', 'Content-Length: 100')}{`)
    await vi.waitFor(() => expect(startedCount).toBe(before + 1))
    socket.resetAndDestroy()
    const [line] = await server.waitForLines('http.request', 1)
    expect(line).toMatchObject({ status_code: 499, log_level: 'info' })
    expect(server.lines.filter(({ log_level }) => log_level !== 'debug')).toEqual([line])
  })

  test('logs nothing for a connection that sends no bytes', async () => {
    server.lines.length = 0
    await new Promise<void>((resolve) => {
      connect(server.port, '127.0.0.1')
        .on('close', () => resolve())
        .on('error', () => {})
        .resume()
    })
    expect(server.lines).toEqual([])
  })

  test.each([
    ['an upload of 5 MB against a limit of 1 KB', post(' '.repeat(5 * 1_024 * 1_024)), 413, 'PAYLOAD_TOO_LARGE'],
    ['2 MB of invalid bytes', `rubbish\r\n\r\n${' '.repeat(2 * 1_024 * 1_024)}`, 400, 'BAD_REQUEST'],
  ])('lets the client read the answer after it has sent %s', async (_, bytes, status, code) => {
    server.lines.length = 0
    const answers = await send(server.port, (socket) => {
      socket.pause()
      socket.write(bytes, () => setImmediate(() => socket.resume()))
    })
    expectContract(answers[0], status, code)
    await server.waitForLines('http.request', 1)
  })

  test('closes the connection of an endless upload after 8 MB', async () => {
    let sent = 0
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, '127.0.0.1')
      socket
        .on('error', () => {})
        .on('close', () => resolve())
        .resume()
      socket.write(head('POST /users', 'Content-Type: application/json', 'Transfer-Encoding: chunked'))
      const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 0x20), Buffer.from('\r\n')])
      const more = (): void => {
        while (!socket.destroyed) {
          sent += chunk.length
          if (!socket.write(chunk)) {
            socket.once('drain', more)
            return
          }
        }
      }
      more()
    })
    expect(sent).toBeLessThan(32 * 1_024 * 1_024)
  })

  test('answers a valid request, then the invalid one behind it in the same packet', async () => {
    server.lines.length = 0
    const valid = 'GET /ok HTTP/1.1\r\nHost: shop\r\n\r\n'
    const answers = await send(server.port, `${valid}rubbish\r\n\r\n`)
    expect(answers.map(({ status }) => status)).toEqual([200, 400])
    expectContract(answers[1], 400, 'BAD_REQUEST')
    await server.waitForLines('http.request', 2)
  })

  test('gives two requests in one packet two traces and two lines', async () => {
    server.lines.length = 0
    const answers = await send(server.port, `GET /ok HTTP/1.1\r\nHost: shop\r\n\r\n${head('GET /items/a')}`)
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(new Set(answers.map(({ headers }) => headers['x-trace-id'])).size).toBe(2)
    await server.waitForLines('http.request', 2)
  })
})

test('answers and logs each of 100 concurrent hostile requests, and keeps running', async () => {
  server.lines.length = 0
  const kinds = [
    'rubbish\r\n\r\n',
    head('GET /items/%zz'),
    post('{'),
    head('GET /nowhere'),
    head('GET /ok', 'Expect: x'),
  ]
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => send(server.port, kinds[index % 5] as string)),
  )
  expect(
    answers.every(([answer]) => answer !== undefined && answer.headers['x-trace-id'] === answer.body.trace_id),
  ).toBe(true)
  const lines = await server.waitForLines('http.request', 100)
  expect(new Set(lines.map((line) => line['trace_id'])).size).toBe(100)
  await vi.waitFor(async () => expect((await send(server.port, head('GET /ok')))[0]?.status).toBe(200))
})

test('logs each request of 200 disconnecting clients exactly once', async () => {
  server.lines.length = 0
  let arrived = 0
  const count = (): void => {
    arrived += 1
  }
  server.app.server.on('request', count)
  const paths = ['/waiting', '/ok', '/nowhere', '/items/%zz']
  await Promise.all(
    Array.from({ length: 200 }, (_, index) => {
      return new Promise<void>((resolve) => {
        const socket = connect(server.port, '127.0.0.1', () => {
          const disconnect = (): unknown => (index % 3 === 0 ? socket.resetAndDestroy() : socket.destroy())
          socket.write(head(`GET ${paths[index % 4]}`), disconnect)
        })
        socket.on('error', () => {}).on('close', () => resolve())
      })
    }),
  )
  // The server may still process connections whose clients have disconnected. This request comes after them.
  await send(server.port, head('GET /ok'))
  await vi.waitFor(() => {
    const ids = server.lines.filter(({ event }) => event === 'http.request').map((line) => line['trace_id'])
    expect(ids).toHaveLength(arrived)
    expect(new Set(ids).size).toBe(arrived)
  })
  expect(arrived).toBeGreaterThan(100)
  server.app.server.off('request', count)
})
