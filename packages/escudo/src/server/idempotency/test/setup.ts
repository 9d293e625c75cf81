// The same service on each framework: POST /orders and POST /orders/:id run what the test says.
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import Router from '@koa/router'
import express, { type RequestHandler } from 'express'
import Fastify from 'fastify'
import Koa, { type Context } from 'koa'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import * as onExpress from '../../express.ts'
import * as onFastify from '../../fastify.ts'
import * as onKoa from '../../koa.ts'
import type { IdempotencyOptions } from '../options.ts'

export const Errors = defineErrors({
  SOLD_OUT: { status: 404, message: 'Sold out.' },
  BUSY: { status: 429, message: 'Busy.' },
})

export interface Answer {
  readonly status: number
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** Sends the body in parts. */
  readonly isStreamed?: boolean
}

export interface Service {
  readonly url: string
  readonly close: () => Promise<unknown>
}

type Options = Partial<Omit<IdempotencyOptions<never>, 'scope'>>
export type Start = (handle: (body: unknown) => Promise<Answer>, options?: Options) => Promise<Service>

export const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
export const scope = ({ headers }: { readonly headers: object }): string =>
  String((headers as Record<string, unknown>)['x-user'] ?? 'ana')

export const startFastify: Start = async (handle, options) => {
  const app = Fastify({ ...onFastify.contractOptions(contract), forceCloseConnections: true })
  await app.register(onFastify.escudo, { contract })
  await app.register(onFastify.idempotency({ scope, ...options }))
  for (const path of ['/orders', '/orders/:id']) {
    app.route({
      method: ['POST', 'PATCH', 'PUT'],
      url: path,
      handler: async (request, reply) => {
        const { status, body, headers = {}, isStreamed } = await handle(request.body)
        reply.code(status).headers(headers)
        return isStreamed ? reply.send(streamOf(body)) : body
      },
    })
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, close: () => app.close() }
}

export const startExpress: Start = async (handle, options) => {
  const { first, last, attach } = onExpress.escudo({ contract })
  const app = express()
  app.use(first)
  const once = onExpress.idempotency({ scope, ...options })
  const handler: RequestHandler = async (request, response) => {
    const { status, body, headers = {}, isStreamed } = await handle(request.body)
    response.writeHead(status, headers)
    if (isStreamed) streamOf(body).pipe(response)
    else response.end(body)
  }
  for (const path of ['/orders', '/orders/:id']) {
    for (const method of ['post', 'patch', 'put'] as const) app[method](path, once, handler)
  }
  app.use(last)
  return await serviceOf(attach(app.listen(0, '127.0.0.1')))
}

export const startKoa: Start = async (handle, options) => {
  const app = new Koa()
  const { attach } = onKoa.escudo(app, { contract })
  const router = new Router()
  const once = onKoa.idempotency({ scope, ...options })
  const handler = async (ctx: Context) => {
    const { status, body, headers = {}, isStreamed } = await handle((ctx.request as { body?: unknown }).body)
    ctx.status = status
    ctx.set(headers)
    ctx.body = isStreamed ? streamOf(body) : Buffer.from(body as string)
  }
  for (const path of ['/orders', '/orders/:id']) {
    for (const method of ['post', 'patch', 'put'] as const) router[method](path, once, handler)
  }
  app.use(router.routes())
  return await serviceOf(attach(app.listen(0, '127.0.0.1')))
}

export async function serviceOf(server: Server): Promise<Service> {
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

export function streamOf(body: string | Uint8Array): Readable {
  const bytes = Buffer.from(body as string)
  return Readable.from([bytes.subarray(0, 3), bytes.subarray(3)])
}

export interface Posted {
  readonly key?: string
  readonly body?: unknown
  readonly path?: string
  readonly user?: string
  readonly method?: string
  readonly signal?: AbortSignal
}

/** Sends a request, and returns what tests look at. */
export async function post({ url }: Service, posted: Posted = {}) {
  const { key, body = {}, path = '/orders', user = 'ana', method = 'POST', signal } = posted
  const response = await fetch(url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      'x-user': user,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true && text.startsWith('{')
  return {
    status: response.status,
    text,
    code: isJson ? (JSON.parse(text).error_code as unknown) : undefined,
    isReplayed: response.headers.get('idempotency-replayed') === 'true',
    headers: response.headers,
  }
}
