import { describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { rawServer } from '../../http/test/raw-server.ts'
import { fullShield, retryOnce, serve, settled, upstreamErrorOf } from '../../http/test/setup.ts'
import { hedge } from '../../policies/hedge/hedge.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { readScrape } from '../../telemetry/metrics/test/setup.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { resilience } from '../index.ts'
import { client, testAgent } from './setup.ts'

const HEAD = 'HTTP/1.1 200 OK\r\n'

describe('a server that', () => {
  test.each([
    ['closes before any byte', '', 'reset'],
    ['closes in the status line', 'HTTP/1.1 2', 'reset'],
    ['closes in a header', `${HEAD}content-le`, 'reset'],
    ['sends no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 'network'],
    ['sends a header without a colon', `${HEAD}no colon\r\n\r\n`, 'network'],
    ['sends 1 MB of headers', `${HEAD}${`x: ${'y'.repeat(1_000)}\r\n`.repeat(1_000)}\r\n`, 'network'],
    ['sends two content lengths', `${HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\nab`, 'network'],
  ])('%s makes a typed error that is retried', async (_name, bytes, failure) => {
    const { origin, requests } = await rawServer((socket) => socket.end(bytes, 'latin1'))
    const guarded = shield('x', retryOnce())
    const error = await upstreamErrorOf(client({ shield: guarded })(origin))
    expect(error).toMatchObject({ code: 'UPSTREAM_ERROR', failure: expect.stringMatching(`${failure}|reset`) })
    expect(requests).toHaveLength(2)
  })

  test.each([
    ['closes in the body', `${HEAD}content-length: 10\r\n\r\n0123`],
    ['closes in a chunk', `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nab`],
    ['sends an invalid chunk', `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\nab`],
  ])('%s makes a typed error for the reader, which is not retried', async (_name, bytes) => {
    const { origin, requests } = await rawServer((socket) => {
      socket.write(bytes.slice(0, bytes.indexOf('\r\n\r\n') + 4), 'latin1')
      setTimeout(() => socket.end(bytes.slice(bytes.indexOf('\r\n\r\n') + 4), 'latin1'), 10)
    })
    const { guarded, state } = fullShield()
    const { body } = await client({ shield: guarded })(origin)
    expect(await upstreamErrorOf(body.text())).toMatchObject({ failure: 'body', status: 200 })
    expect([requests.length, state()]).toEqual([1, { retries: 0, failures: 1, calls: 1, inUse: 0 }])
  })

  test.each([
    ['retry-after: 1e9', 'x'],
    ['retry-after: -5', 'x'],
    [`retry-after: ${'9'.repeat(100)}`, 'x'],
    ['retry-after: \xff\xfe', 'x'],
    ['content-type: application/json; charset=\xff', '{"broken'],
    ['constructor: 1\r\n__proto__: 2', 'x'],
    ['retry-after: 5\r\nretry-after: 6', 'x'],
  ])('sends odd headers still gives a status error: %s', async (header, body) => {
    const { origin } = await rawServer((socket) =>
      socket.end(`HTTP/1.1 503 Busy\r\n${header}\r\ncontent-length: ${body.length}\r\n\r\n${body}`, 'latin1'),
    )
    expect(await upstreamErrorOf(client({ shield: false, errors: 'throw' })(origin))).toMatchObject({ status: 503 })
  })

  test('closes a kept connection when it is used again is asked again on a new one', async () => {
    const { origin, requests } = await rawServer((socket, request, count) => {
      if (count === 2) socket.resetAndDestroy()
      else socket.write(`${HEAD}content-length: ${request.includes('/a') ? 1 : 2}\r\n\r\n${count === 1 ? 'a' : 'bb'}`)
    })
    const get = client({ shield: shield('x', retryOnce()), dispatcher: testAgent({ connections: 1 }) })
    expect(await (await get(`${origin}/a`)).body.text()).toBe('a')
    expect(await (await get(`${origin}/b`)).body.text()).toBe('bb')
    expect(requests).toHaveLength(3)
  })

  test('resets the connection of pipelined requests fails each of them once', async () => {
    const { origin, requests } = await rawServer((socket, _request, count) => {
      if (count === 1) setTimeout(() => socket.write(`${HEAD}content-length: 1\r\n\r\na`), 20)
      else if (count === 2) socket.resetAndDestroy()
      else socket.write(`${HEAD}content-length: 1\r\n\r\nb`)
    })
    const dispatcher = testAgent({ connections: 1, pipelining: 4 })
    const get = client({ shield: shield('x', retryOnce()), dispatcher })
    expect(await (await get(origin)).body.text()).toBe('a')
    const rest = await Promise.all([1, 2, 3].map(async () => await (await get(origin)).body.text()))
    expect([rest, requests.length > 4]).toEqual([['b', 'b', 'b'], true])
  })
})

describe('hedging', () => {
  test('sends a second request, delivers the faster answer and aborts the other', async () => {
    const closed: string[] = []
    let attempts = 0
    const origin = await serve((_, response) => {
      const attempt = attempts
      attempts += 1
      response.on('close', () => closed.push(`${attempt} ${response.writableEnded}`))
      if (attempt === 1) response.end('fast')
    })
    const get = client({ shield: shield('x', hedge({ after: 10 })) })
    expect(await (await get(origin)).body.text()).toBe('fast')
    await vi.waitFor(() => expect(closed.sort()).toEqual(['0 false', '1 true']))
  })

  test('never sends a POST twice, nor a stream', async () => {
    let calls = 0
    const origin = await serve((request, response) => {
      calls += 1
      request.resume()
      setTimeout(() => response.end('slow'), 40)
    })
    const get = client({ shield: shield('x', hedge({ after: 5 })) })
    expect(await (await get(origin, { method: 'POST', body: 'x' })).body.text()).toBe('slow')
    async function* body() {
      yield 'x'
    }
    expect(await (await get(origin, { method: 'PUT', body: body() as never })).body.text()).toBe('slow')
    expect(calls).toBe(2)
  })
})

test('an attempt that times out closes its connection and the next one succeeds', async () => {
  let calls = 0
  const { origin, sockets } = await rawServer((socket) => {
    calls += 1
    if (calls === 2) socket.write(`${HEAD}content-length: 2\r\n\r\nok`)
  })
  const clock = virtualClock()
  const answer = client({ shield: shield({ name: 'x', clock }, retryOnce(), timeout('2s')) })(origin)
  await vi.waitUntil(() => calls === 1)
  await clock.advance(2_001)
  expect(await (await answer).body.text()).toBe('ok')
  await vi.waitUntil(() => sockets.size === 1)
})

test.each(['//', '///', '//other.example/x', '/\\other.example/x', '//:0'])(
  'the path %j is that of its origin',
  async (path) => {
    const origin = await serve((request, response) => response.end(request.url))
    const metrics = createMetrics()
    const hosts: string[] = []
    const template = (url: URL) => {
      hosts.push(url.origin)
      return '/x'
    }
    const dispatcher = testAgent().compose(resilience({ name: 'x', shield: false, template }))
    const { body } = await dispatcher.request({ origin, path, method: 'GET' })
    expect(await body.text()).toBe(path)
    expect(hosts).toEqual([origin])
    await settled()
    const { samples } = readScrape(metrics.scrape().body)
    metrics.close()
    const addresses = samples.map(({ labels }) => labels['server_address']).filter((address) => address !== undefined)
    expect(new Set(addresses)).toEqual(new Set(['127.0.0.1']))
  },
)
