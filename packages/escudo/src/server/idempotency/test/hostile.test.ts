// What clients, handlers and plugins do that an ordinary service does not.
import { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import compress from '@fastify/compress'
import express, { type RequestHandler } from 'express'
import Fastify, { type FastifyInstance, type RouteHandlerMethod } from 'fastify'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import * as onExpress from '../../express.ts'
import * as onFastify from '../../fastify.ts'
import { keepOnNode } from '../on-node.ts'
import { post, type Service } from './setup.ts'

const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
const options = { scope: () => 'ana', maxBodyBytes: 10_000 }

const closes: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closes.splice(0)) await close()
})

async function serveFastify(handler: RouteHandlerMethod, setUp?: (app: FastifyInstance) => unknown): Promise<Service> {
  const app = Fastify({ ...onFastify.contractOptions(contract), forceCloseConnections: true })
  await app.register(onFastify.escudo, { contract })
  await setUp?.(app)
  await app.register(onFastify.idempotency(options))
  app.route({ method: ['POST', 'PATCH'], url: '/orders', handler })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const close = () => app.close()
  closes.push(close)
  return { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, close }
}

async function serveExpress(handler: RequestHandler, before: RequestHandler[] = []): Promise<Service> {
  const { first, last, attach } = onExpress.escudo({ contract })
  const app = express()
  app.use(first, ...before)
  app.all('/orders', onExpress.idempotency(options), handler)
  app.use(last)
  const server = attach(app.listen(0, '127.0.0.1'))
  await new Promise((resolve) => server.once('listening', resolve))
  const close = async () => {
    server.close()
    server.closeAllConnections()
  }
  closes.push(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

/** Sends a request with the key `a`. */
async function send({ url }: Service, init: RequestInit & { headers?: Record<string, string> } = {}) {
  const headers = { 'idempotency-key': 'a', ...init.headers }
  const response = await fetch(`${url}/orders`, { method: 'POST', ...init, headers })
  const text = await response.text()
  const isReplayed = response.headers.get('idempotency-replayed') === 'true'
  return { status: response.status, text, isReplayed, headers: response.headers }
}

/** A body that does not end after its first bytes. */
function endless(): Readable {
  const body = new Readable({ read() {} })
  body.push('first')
  return body
}

const uploads = ['one', 'two'].map((boundary) => ({
  headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  body: `--${boundary}\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--${boundary}--`,
}))

describe.each([
  {
    name: 'Fastify',
    serve: (answer: () => { status: number; body: string | Readable }) =>
      serveFastify(async (_request, reply) => {
        const { status, body } = answer()
        return reply.code(status).send(body)
      }),
  },
  {
    name: 'Express',
    serve: (answer: () => { status: number; body: string | Readable }) =>
      serveExpress((_request, response) => {
        const { status, body } = answer()
        response.status(status)
        if (typeof body === 'string') response.send(body)
        else body.pipe(response)
      }),
  },
])('idempotency keys on $name', ({ serve }) => {
  test('a request whose client disconnects in the middle of the answer does not run again', async () => {
    const answer = vi.fn(() => ({ status: 201, body: endless() }))
    const service = await serve(answer)
    const controller = new AbortController()
    const init = { method: 'POST', headers: { 'idempotency-key': 'a' }, signal: controller.signal }
    const response = await fetch(`${service.url}/orders`, init)
    const read = await response.body?.getReader().read()
    expect(new TextDecoder().decode(read?.value)).toBe('first')
    controller.abort()
    await vi.waitFor(async () => expect((await send(service)).text).toContain('IDEMPOTENCY_ANSWER_NOT_KEPT'))
    expect(answer).toHaveBeenCalledTimes(1)
  })

  test('a 503 is not kept, also if it is too large', async () => {
    const bodies = ['x'.repeat(20_000), 'well']
    const service = await serve(() => ({ status: bodies.length === 2 ? 503 : 200, body: bodies.shift() as string }))
    expect((await send(service)).status).toBe(503)
    await vi.waitFor(async () => expect((await send(service)).text).toBe('well'))
  })

  test.each([
    ['"a"', '"a";version=1', true],
    ['"a b\\"c\\\\"', 'a b"c\\', true],
    ['"a"', '"a", "a"', false],
    ['"a"', '"a', false],
    ['"a"', '"a"b', false],
    ['"a"', '"a\\b"', false],
  ])('after the key %s, %s is the same key: %s', async (one, two, isSame) => {
    const service = await serve(() => ({ status: 201, body: 'order' }))
    await send(service, { headers: { 'idempotency-key': one } })
    const second = await send(service, { headers: { 'idempotency-key': two } })
    expect([second.status, second.isReplayed]).toEqual(isSame ? [201, true] : [400, false])
  })
})

describe('idempotency keys on Express', () => {
  test('a buffer that the handler fills again does not change the kept answer', async () => {
    const service = await serveExpress((_request, response) => {
      const buffer = Buffer.from('first ')
      response.write(buffer, () => {
        buffer.write('second')
        response.end(buffer)
      })
    })
    expect((await send(service)).text).toBe('first second')
    expect(await send(service)).toMatchObject({ text: 'first second', isReplayed: true })
  })

  test.each<[string, RequestHandler]>([
    ['a chunk that Node refuses', (_request, response) => void response.end(5 as never)],
    ['a header that Node refuses', (_request, response) => void response.writeHead(201, { 'x-a': '\n' }).end()],
  ])('after %s, the next request runs', async (_what, fail) => {
    let isFirst = true
    const service = await serveExpress((request, response, next) => {
      const answer: RequestHandler = isFirst ? fail : () => response.end('well')
      isFirst = false
      answer(request, response, next)
    })
    const first = await send(service)
    expect([first.status, first.text]).toEqual([500, expect.stringContaining('INTERNAL_SERVER_ERROR')])
    await vi.waitFor(async () => expect((await send(service)).text).toBe('well'))
  })

  test('the handler may send another answer after a header that Node refuses', async () => {
    const service = await serveExpress((_request, response) => {
      try {
        response.writeHead(201, { 'x-a': '\n' })
      } catch {
        response.writeHead(200, { 'x-b': 'b' }).end('well')
      }
    })
    for (const isReplayed of [false, true]) {
      const { status, text, headers, ...rest } = await send(service)
      expect([status, text, headers.get('x-b'), rest.isReplayed]).toEqual([200, 'well', 'b', isReplayed])
    }
  })

  test.each([
    { headers: { 'content-type': 'application/merge-patch+json' }, body: '{"a":1}' },
    { headers: { 'content-type': 'application/json' } },
    { headers: { 'content-type': 'application/json', 'content-encoding': 'br' }, body: 'not text' },
    ...uploads,
  ])('a body that the handler reads gets there: %j', async (init) => {
    const service = await serveExpress(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      response.send(`got ${text}`)
    })
    expect(await send(service, init)).toMatchObject({ status: 200, text: `got ${init.body ?? ''}` })
    expect((await send(service, init)).isReplayed).toBe(true)
  })

  test('an answer that middleware before it compresses is kept as it was before', async () => {
    const gzip: RequestHandler = (request, response, next) => {
      const end = response.end.bind(response)
      const compressed = (body: string): unknown => {
        response.setHeader('vary', 'accept-encoding')
        if (request.headers['accept-encoding'] !== 'gzip') return end(body)
        response.setHeader('content-encoding', 'gzip')
        return end(gzipSync(body))
      }
      response.end = compressed as never
      next()
    }
    const service = await serveExpress((_request, response) => void response.end('kept'), [gzip])
    for (const coding of ['gzip', 'identity', 'gzip']) {
      const { headers, text } = await send(service, { headers: { 'accept-encoding': coding } })
      expect([headers.get('content-encoding') ?? 'identity', headers.get('vary')]).toEqual([coding, 'accept-encoding'])
      expect(text).toBe('kept')
    }
  })

  test('a client that disconnects while the key is looked up lets go of it', () => {
    const run = { end: vi.fn(), breakOff: vi.fn(), interrupt: vi.fn(), abandon: vi.fn() }
    const response = new ServerResponse(new IncomingMessage(new Socket()))
    response.destroyed = true
    keepOnNode(run, response, 1)
    expect(run.abandon).toHaveBeenCalledTimes(1)
  })

  test('a second attempt of an upload has another boundary, and is the same request', async () => {
    const service = await serveExpress((_request, response) => void response.end('kept'))
    await send(service, uploads[0])
    expect((await send(service, uploads[1])).isReplayed).toBe(true)
  })
})

describe('idempotency keys on Fastify', () => {
  test('a body that is a stream is compared by its type and length', async () => {
    const service = await serveFastify(
      async () => 'kept',
      (app) => {
        app.addContentTypeParser('*', (_request, payload, done) => done(null, payload.resume()))
      },
    )
    expect((await send(service, uploads[0])).status).toBe(200)
    expect((await send(service, uploads[1])).isReplayed).toBe(true)
    const longer = { ...uploads[0], body: `${uploads[0]?.body}more` } as RequestInit & {
      headers: Record<string, string>
    }
    expect((await send(service, longer)).status).toBe(422)
  })

  test.each<[string, () => unknown]>([
    ['a Response', () => new Response('body', { status: 201, headers: { 'x-a': 'a', 'content-type': 'text/x' } })],
    ['a web stream', () => new Response('body').body],
    ['a stream without a type', () => Readable.from(['bo', 'dy'])],
  ])('%s is replayed as it was', async (_what, answer) => {
    const service = await serveFastify((_request, reply) => void reply.send(answer()))
    const [first, second] = [await send(service), await send(service)]
    expect([first.isReplayed, second.isReplayed]).toEqual([false, true])
    for (const name of ['x-a', 'content-type']) expect(second.headers.get(name)).toBe(first.headers.get(name))
    expect([second.status, second.text]).toEqual([first.status, 'body'])
  })

  test('a Response with 503 is not kept', async () => {
    const answers = [new Response('down', { status: 503 }), new Response('well')]
    const service = await serveFastify((_request, reply) => void reply.send(answers.shift()))
    expect((await send(service)).status).toBe(503)
    expect(await send(service)).toMatchObject({ status: 200, text: 'well', isReplayed: false })
  })

  test('a cookie that a hook sets for each request is sent once', async () => {
    const service = await serveFastify(
      async (_request, reply) => reply.header('set-cookie', 'order=7').send('kept'),
      (app) => {
        app.addHook('onRequest', async (_request, reply) => void reply.header('set-cookie', 'session=1'))
      },
    )
    for (const isReplayed of [false, true]) {
      const answer = await send(service)
      expect([answer.isReplayed, answer.headers.getSetCookie()]).toEqual([isReplayed, ['session=1', 'order=7']])
    }
  })

  test('an answer that a plugin compresses is kept as it was before', async () => {
    const service = await serveFastify(
      async () => ({ text: 'x'.repeat(5_000) }),
      async (app) => void (await app.register(compress, { global: true })),
    )
    for (const coding of ['gzip', 'identity', 'br', 'gzip']) {
      const { headers, text } = await send(service, { headers: { 'accept-encoding': coding } })
      expect([headers.get('content-encoding') ?? 'identity', headers.get('vary')]).toEqual([
        coding,
        coding === 'identity' ? null : 'accept-encoding',
      ])
      expect(JSON.parse(text).text).toHaveLength(5_000)
    }
  })

  test('a key is no key of an object', async () => {
    const service = await serveFastify(async () => 'kept')
    for (const key of ['__proto__', 'constructor', 'toString']) {
      expect((await post(service, { key })).isReplayed).toBe(false)
      expect((await post(service, { key })).isReplayed).toBe(true)
    }
  })
})
