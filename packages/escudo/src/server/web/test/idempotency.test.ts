import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { escudo, idempotency, route, type WebHandler } from '../../web.ts'
import { keepResponse } from '../keep-response.ts'

const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
const scope = ({ headers }: Request): string => headers.get('x-user') ?? 'ana'

/** A handler without Node's server, as on Workers. */
function serve(handle: WebHandler<readonly unknown[]>, options = {}) {
  const { handler } = escudo({ contract })
  return handler(idempotency({ scope, ...options })(handle), { route: '/orders' })
}

function order(body: string | ReadableStream = '{}', init: RequestInit & { duplex?: 'half' } = {}): Request {
  const headers = { 'idempotency-key': 'a', 'content-type': 'application/json' }
  return new Request('http://shop/orders', { method: 'POST', headers, body, ...init })
}

describe('idempotency keys on web standards', () => {
  it('replay to a client of another host name, with separate traces', async () => {
    let orders = 0
    const fetch = serve(() => {
      orders += 1
      return Response.json({ order: orders }, { status: 201 })
    })
    const first = await fetch(order())
    expect(await first.json()).toEqual({ order: 1 })
    const second = await fetch(new Request('https://shop.example/orders', order()))
    expect([second.status, await second.json()]).toEqual([201, { order: 1 }])
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.headers.get('content-type')).toBe('application/json')
    expect(second.headers.get('x-trace-id')).not.toBe(first.headers.get('x-trace-id'))
  })

  it('let `route` and the handler read the body that was compared', async () => {
    const create = route({ body: z.object({ n: z.number() }) }, async (request, { body }) => {
      return Response.json([body.n, await request.json()])
    })
    const fetch = serve((request) => create(request))
    expect(await (await fetch(order('{"n":1}'))).json()).toEqual([1, { n: 1 }])
    expect((await fetch(order('{"n":2}'))).status).toBe(422)
    const small = route({ body: z.object({}), bodyLimit: 5 }, () => new Response('small'))
    expect((await serve((request) => small(request))(order('{"n":1}'))).status).toBe(413)
  })

  it('refuse a body in parts that is too large or malformed before anything runs', async () => {
    const handle = vi.fn(() => new Response('run'))
    const fetch = serve(handle)
    const parts = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(500_000).fill(0x20)),
    })
    expect((await fetch(order(parts, { duplex: 'half' }))).status).toBe(413)
    expect((await fetch(order('{'))).status).toBe(400)
    expect(handle).not.toHaveBeenCalled()
  })

  it.each([
    { 'content-type': 'application/json', 'content-encoding': 'br' },
    { 'content-type': 'application/merge-patch+json' },
  ])('leave a body to the handler that only it can read: %o', async (described) => {
    const handle = vi.fn(async (request: Request) => new Response(await request.text()))
    const fetch = serve(handle)
    const send = () => fetch(order('{', { headers: { 'idempotency-key': 'a', ...described } }))
    expect(await (await send()).text()).toBe('{')
    expect((await send()).headers.get('idempotency-replayed')).toBe('true')
    expect(handle).toHaveBeenCalledTimes(1)
  })

  it('keep the answer when the client does not read it', async () => {
    const encoder = new TextEncoder()
    const fetch = serve(() => {
      const parts = ['order ', '7']
      return new Response(
        new ReadableStream({
          pull(controller) {
            const part = parts.shift()
            if (part === undefined) controller.close()
            else controller.enqueue(encoder.encode(part))
          },
        }),
      )
    })
    await (await fetch(order())).body?.cancel()
    await vi.waitFor(async () => expect(await (await fetch(order())).text()).toBe('order 7'))
  })

  it('run again after a body that failed', async () => {
    let count = 0
    const fetch = serve(() => {
      count += 1
      if (count > 1) return new Response('well')
      return new Response(new ReadableStream({ pull: () => Promise.reject(new Error('lost')) }))
    })
    await expect((await fetch(order())).text()).rejects.toThrow()
    await vi.waitFor(async () => expect(await (await fetch(order())).text()).toBe('well'))
  })

  it('keep the answer of a path without a route, but not that of a response which was read before', async () => {
    const missing = serve(() => undefined)
    expect((await missing(order())).status).toBe(404)
    expect((await missing(order())).headers.get('idempotency-replayed')).toBe('true')
    const read = new Response('once')
    await read.text()
    const broken = serve(() => read)
    expect((await broken(order())).status).toBe(500)
    expect((await broken(order())).headers.has('idempotency-replayed')).toBe(false)
  })

  it.each([null, 'text', Response.error()])('keep nothing of %o, which no runtime can send', async (made) => {
    const fetch = serve(() => made as Response)
    expect((await fetch(order())).status).toBe(500)
    expect((await fetch(order())).headers.has('idempotency-replayed')).toBe(false)
    const run = { end: vi.fn(async () => {}), breakOff: async () => {}, abandon: () => {}, interrupt: () => {} }
    expect(keepResponse(run, made as Response, 100)).toBe(made)
    expect(run.end).toHaveBeenCalledWith(undefined)
  })

  it('are a mistake outside a handler of escudo', async () => {
    const handle = idempotency({ scope })(() => new Response('run'))
    await expect((async () => await handle(order()))()).rejects.toThrow(/^idempotency: /)
  })
})

describe('idempotency keys on web standards, on Node', () => {
  it('answer 413 to a body in chunks that is too large', async () => {
    const { getRequestListener } = await import('@hono/node-server')
    const { handler, createServer } = escudo({ contract })
    const handle = vi.fn(() => new Response('run'))
    const fetch = handler(idempotency({ scope })(handle))
    const server = createServer(getRequestListener(fetch, { overrideGlobalObjects: false }))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    try {
      const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
      const head = 'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nIdempotency-Key: a\r\n'
      socket.write(`${head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n`)
      for (let count = 0; count < 12; count += 1)
        socket.write(`${(100_000).toString(16)}\r\n${' '.repeat(100_000)}\r\n`)
      socket.end('0\r\n\r\n')
      let text = ''
      for await (const chunk of socket) text += String(chunk)
      expect(text).toMatch(/^HTTP\/1\.1 413 /)
      expect(handle).not.toHaveBeenCalled()
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })
})
