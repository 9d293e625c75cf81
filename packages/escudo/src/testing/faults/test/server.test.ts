import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import Fastify from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import { virtualClock } from '../../virtual-clock.ts'
import { type FaultInjector, faults } from '../faults.ts'
import type { FaultRule } from '../plan.ts'
import { reasonOf } from './setup.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

const json: RequestListener = (_, response) => {
  response.setHeader('content-type', 'application/json')
  response.end('{"stock":42}')
}

async function serve(chaos: FaultInjector, handler: RequestListener = json): Promise<string> {
  const middleware = chaos.middleware({ name: 'inventory' })
  const server = createServer((request, response) => middleware(request, response, () => handler(request, response)))
  servers.push(server)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const plan = (fault: FaultRule['fault']) => faults([{ fault }])

/** Sends raw bytes. Resolves with all received bytes when the server closes the connection. */
function raw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    const finish = (): void => {
      socket.destroy()
      resolve(received)
    }
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.on('close', finish)
    socket.on('error', (error) => {
      received += `[${(error as NodeJS.ErrnoException).code}]`
    })
  })
}

/** Handlers that send the same body in different ways. */
const handlers: Record<string, RequestListener> = {
  'end with text': json,
  'end with bytes': (_, response) => void response.end(Buffer.from('{"stock":42}')),
  'writeHead and end': (_, response) => void response.writeHead(200, { 'content-length': 12 }).end('{"stock":42}'),
  'write, then end': (_, response) => {
    response.write('{"stock"')
    response.end(':42}')
  },
  'a stream': (_, response) => void Readable.from(['{"stock"', ':42}']).pipe(response),
}

describe.each(Object.entries(handlers))('a handler that sends with %s', (way, handler) => {
  test('corrupt: the body arrives complete, but is not JSON', async () => {
    const response = await fetch(await serve(plan({ body: 'corrupt' }), handler))
    const text = await response.text()
    expect(text).toHaveLength(12)
    expect(() => JSON.parse(text)).toThrow(SyntaxError)
  })

  test('truncated: the connection closes before the end of the body', async () => {
    const url = await serve(plan({ body: 'truncated' }), handler)
    const response = await fetch(url)
    expect(response.status).toBe(200)
    expect((await reasonOf(response.text())).cause).toMatchObject({ code: 'UND_ERR_SOCKET' })
    const bytes = await raw(url, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    expect(bytes).toMatch(/write,|stream/.test(way) ? /transfer-encoding: chunked/i : /content-length: 12/i)
    // Only the body is checked: the Date header can contain 42 too.
    expect(bytes.slice(bytes.indexOf('\r\n\r\n'))).not.toMatch(/42|\r\n0\r\n/)
  })

  test('stall: the headers and half of the body arrive, then nothing until halt()', async () => {
    const chaos = plan({ body: 'stall' })
    const response = await fetch(await serve(chaos, handler))
    const reader = response.body?.getReader()
    const half = new TextDecoder().decode((await reader?.read())?.value)
    expect('{"stock":42}'.startsWith(half) && half.length > 0).toBe(true)
    const next = reasonOf(reader?.read() as Promise<unknown>)
    expect(await Promise.race([next, new Promise((resume) => setTimeout(resume, 50, 'nothing'))])).toBe('nothing')
    chaos.halt()
    expect((await next).message).toBe('terminated')
  })
})

describe('a server with faults', () => {
  test('resets the connection before a response', async () => {
    const url = await serve(plan({ error: 'reset' }))
    expect((await reasonOf(fetch(url))).cause?.code).toBe('ECONNRESET')
    expect(await raw(url, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')).toBe('[ECONNRESET]')
  })

  test.each([200, 204, 304, 404, 503, 599])('responds with %i without running the handler', async (status) => {
    const url = await serve(plan({ status }), () => expect.fail('called'))
    const response = await fetch(url, { method: 'POST', body: 'x'.repeat(100_000) })
    expect([response.status, response.headers.get('x-injected-fault')]).toEqual([status, 'status'])
    await response.text()
  })

  test('responds to pipelined requests in order, with unread bodies and HEAD', async () => {
    const url = await serve(faults([{ match: { path: '/bad' }, fault: { status: 503 } }]))
    const body = 'content-length: 5\r\n\r\nhello'
    const requests = [`POST /bad HTTP/1.1\r\nhost: x\r\n${body}`, 'HEAD /bad HTTP/1.1\r\nhost: x\r\n\r\n']
    requests.push('GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    const bytes = await raw(url, requests.join(''))
    expect(bytes.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 503', 'HTTP/1.1 503', 'HTTP/1.1 200'])
    expect(bytes.endsWith('{"stock":42}')).toBe(true)
  })

  test('sends the responses to earlier requests before it resets the connection', async () => {
    const slow: RequestListener = (_, response) => void setTimeout(() => response.end('first answer'), 30)
    const url = await serve(faults([{ match: { path: '/bad' }, fault: { error: 'reset' } }]), slow)
    const first = 'GET /good HTTP/1.1\r\nhost: x\r\n\r\n'
    expect(await raw(url, `${first}GET /bad HTTP/1.1\r\nhost: x\r\n\r\n`)).toMatch(/first answer\[ECONNRESET\]$/)
  })

  test.each(['corrupt', 'truncated', 'stall'] as const)('does not change the response to HEAD: %s', async (body) => {
    const response = await fetch(await serve(plan({ body })), { method: 'HEAD' })
    expect(response.status).toBe(200)
  })

  test.each(['corrupt', 'truncated', 'stall'] as const)('does not change an empty body: %s', async (body) => {
    const url = await serve(plan({ body }), (_, response) => void response.writeHead(204).end())
    expect((await fetch(url)).status).toBe(204)
  })

  test.each(['corrupt', 'truncated', 'stall'] as const)('breaks a body of one byte: %s', async (body) => {
    const chaos = plan({ body })
    const response = await fetch(await serve(chaos, (_, res) => void res.end('7')))
    const text = response.text()
    if (body === 'corrupt') expect(await text).toBe('<')
    else {
      const error = reasonOf(text)
      setTimeout(() => chaos.halt(), 20)
      expect((await error).message).toBe('terminated')
    }
  })

  test('breaks the body of an injected status too, after the delay', async () => {
    const clock = virtualClock()
    const chaos = faults([{ fault: { latencyMs: 3_000, status: 503, body: 'corrupt' } }], { clock })
    const answer = fetch(await serve(chaos))
    while (clock.pending === 0) await new Promise(setImmediate)
    await clock.advance(2_999)
    expect(await Promise.race([answer, new Promise((resume) => setTimeout(resume, 20, 'nothing'))])).toBe('nothing')
    await clock.advance(1)
    expect((await answer).status).toBe(503)
    await expect((await answer).json()).rejects.toThrow(SyntaxError)
  })

  test('runs the handler immediately if the client disconnects during a delay', async () => {
    const clock = virtualClock()
    let handled = (): void => {}
    const handlerRan = new Promise<void>((resolve) => {
      handled = resolve
    })
    const chaos = faults([{ fault: { latencyMs: 60_000 } }], { clock })
    const url = await serve(chaos, (_, response) => {
      response.end()
      handled()
    })
    const abort = new AbortController()
    const gone = reasonOf(fetch(url, { signal: abort.signal }))
    while (clock.pending === 0) await new Promise(setImmediate)
    abort.abort()
    await gone
    await handlerRan
    expect(clock.pending).toBe(0)
  })

  test('sends no response on a timeout until halt()', async () => {
    const chaos = plan({ error: 'timeout' })
    const answer = fetch(await serve(chaos))
    expect(await Promise.race([answer, new Promise((resume) => setTimeout(resume, 50, 'nothing'))])).toBe('nothing')
    chaos.halt()
    expect(await (await answer).json()).toEqual({ stock: 42 })
  })

  test.each([{ body: 'stall' }, { error: 'timeout' }, { latencyMs: 600_000 }] as const)(
    'can close during the fault %j',
    async (fault) => {
      const chaos = plan(fault)
      const url = await serve(chaos)
      const server = servers.pop() as Server
      const answer = fetch(url).then(
        (response) => response.text(),
        () => 'broken',
      )
      while (chaos.injected === 0) await new Promise((resume) => setTimeout(resume, 5))
      await new Promise((resume) => setTimeout(resume, 20))
      const started = performance.now()
      await new Promise((closed) => server.close(closed))
      expect(performance.now() - started).toBeLessThan(2_000)
      await answer.catch(() => {})
    },
  )

  test('works with Fastify through its onRequest hook', async () => {
    const chaos = faults([{ match: { name: 'f', path: '/:*' }, fault: { status: 200 } }])
    const app = Fastify()
    const middleware = chaos.middleware({ name: 'f' })
    app.addHook('onRequest', (request, reply, done) => middleware(request.raw, reply.raw, done))
    app.get('/item', async () => ({ stock: 42 }))
    app.post('/item', async (request) => request.body)
    const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/item`
    try {
      expect(await (await fetch(url)).json()).toEqual({ stock: 42 })
      chaos.replace([{ fault: { body: 'corrupt' } }])
      await expect((await fetch(url)).json()).rejects.toThrow(SyntaxError)
      chaos.replace([{ fault: { body: 'truncated' } }])
      await expect((await fetch(url)).text()).rejects.toThrow('terminated')
      chaos.replace([{ fault: { status: 503 } }])
      const post = await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
      expect(post.status).toBe(503)
      await post.text()
      chaos.replace([{ fault: { body: 'stall' } }])
      const stalled = reasonOf((await fetch(url)).text())
      await app.close()
      expect((await stalled).message).toBe('terminated')
    } finally {
      await app.close()
    }
  })
})
