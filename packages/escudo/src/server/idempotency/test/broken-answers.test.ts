// A stream that fails because its client has disconnected: what the handler has done must not be done twice.
import 'reflect-metadata'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { getRequestListener, serve } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import * as onExpress from '../../express.ts'
import * as onFastify from '../../fastify.ts'
import * as onHono from '../../hono.ts'
import * as onKoa from '../../koa.ts'
import * as onWeb from '../../web.ts'

const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
const options = { scope: () => 'ana' }

/** How a handler hears that its client has disconnected, and when its stream fails. */
type Fails = 'with its client' | 'by itself'

/** The first half of an answer on Node. */
function half(fails: Fails, response: { once(event: 'close', listener: () => void): unknown }): PassThrough {
  const stream = new PassThrough()
  stream.on('error', () => {})
  stream.write('half')
  const fail = (): void => void stream.destroy(new Error('broken'))
  if (fails === 'by itself') setTimeout(fail, 20)
  else response.once('close', fail)
  return stream
}

/** The first half of an answer of web standards, such as the body of an upstream that has the signal of the request. */
function halfOnWeb(fails: Fails, { signal }: Request): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('half'))
      const fail = (): void => controller.error(new Error('broken'))
      if (fails === 'by itself') setTimeout(fail, 20)
      else signal.addEventListener('abort', fail)
    },
  })
  return new Response(body, { status: 201 })
}

type Start = (fails: Fails, ran: () => void) => Server | Promise<Server>

const SERVERS: Readonly<Record<string, Start>> = {
  fastify: async (fails, ran) => {
    const app = Fastify({ ...onFastify.contractOptions(contract) })
    await app.register(onFastify.escudo, { contract })
    await app.register(onFastify.idempotency(options))
    app.post('/orders', async (_request, reply) => {
      ran()
      return reply.code(201).send(half(fails, reply.raw))
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server
  },
  express: (fails, ran) => {
    const { first, last, attach } = onExpress.escudo({ contract })
    const app = express()
    app.use(first)
    app.post('/orders', onExpress.idempotency(options), (_request, response, next) => {
      ran()
      half(fails, response).on('error', next).pipe(response.status(201))
    })
    app.use(last)
    return attach(app.listen(0, '127.0.0.1'))
  },
  koa: (fails, ran) => {
    const app = new Koa()
    const { attach } = onKoa.escudo(app, { contract })
    app.use(onKoa.idempotency(options))
    app.use((context) => {
      ran()
      context.status = 201
      context.body = half(fails, context.res)
    })
    return attach(app.listen(0, '127.0.0.1'))
  },
  hono: (fails, ran) => {
    const app = new Hono()
    const { createServer } = onHono.escudo(app, { contract })
    app.post('/orders', onHono.idempotency(options), ({ req }) => {
      ran()
      return halfOnWeb(fails, req.raw)
    })
    return serve({ fetch: app.fetch, createServer, port: 0, hostname: '127.0.0.1' }) as Server
  },
  web: (fails, ran) => {
    const { handler, createServer } = onWeb.escudo({ contract })
    const once = onWeb.idempotency(options)((request: Request) => {
      ran()
      return halfOnWeb(fails, request)
    })
    return createServer({}, getRequestListener(handler(once))).listen(0, '127.0.0.1')
  },
}

const closes: (() => void)[] = []
afterEach(() => {
  vi.restoreAllMocks()
  for (const close of closes.splice(0)) close()
})

async function start(name: string, fails: Fails) {
  const ran = vi.fn()
  const server = await (SERVERS[name] as Start)(fails, ran)
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  closes.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`
  const post = (signal: AbortSignal | null = null) =>
    fetch(url, { method: 'POST', headers: { 'idempotency-key': 'a1' }, signal })
  return { ran, post }
}

describe.each(Object.keys(SERVERS))('on %s, a stream that fails', (name) => {
  it('because its client has disconnected has been served', async () => {
    const { ran, post } = await start(name, 'with its client')
    const controller = new AbortController()
    const first = await post(controller.signal)
    await first.body?.getReader().read()
    controller.abort()
    await vi.waitFor(async () => {
      expect(await (await post()).json()).toMatchObject({ error_code: 'IDEMPOTENCY_ANSWER_NOT_KEPT' })
    })
    expect(ran).toHaveBeenCalledTimes(1)
  })
})

// On Node's own response, a connection that the service closes looks like one that the client closes.
it.each(['fastify', 'hono', 'web'])('on %s, a stream that fails by itself is no answer', async (name) => {
  // The server of Hono writes the error there.
  vi.spyOn(console, 'error').mockReturnValue()
  const { ran, post } = await start(name, 'by itself')
  for (let time = 0; time < 2; time += 1) await expect((await post()).text()).rejects.toThrow()
  expect(ran).toHaveBeenCalledTimes(2)
})
