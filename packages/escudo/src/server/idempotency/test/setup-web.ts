// The same service on frameworks of web standards, on Node.
import type { Server } from 'node:http'
import { Readable } from 'node:stream'
import { getRequestListener, serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import * as onHono from '../../hono.ts'
import * as onWeb from '../../web.ts'
import { type Answer, contract, type Start, serviceOf, streamOf } from './setup.ts'

const userOf = (header: string | null | undefined): string => header ?? 'ana'

export const startWeb: Start = async (handle, options) => {
  const { handler, createServer } = onWeb.escudo({ contract })
  const once = onWeb.idempotency({ scope: ({ headers }) => userOf(headers.get('x-user')), ...options })
  const answer = once(async (request) => responseOf(await handle(await bodyOf(request))))
  const routes = ['/orders', '/orders/:id'].map((route) => handler(answer, { route }))
  const listener = getRequestListener(
    (request) => {
      const isItem = new URL(request.url).pathname !== '/orders'
      return (routes[isItem ? 1 : 0] as (typeof routes)[number])(request)
    },
    { overrideGlobalObjects: false },
  )
  return await serviceOf(createServer(listener).listen(0, '127.0.0.1'))
}

export const startHono: Start = async (handle, options) => {
  const app = new Hono()
  const { createServer } = onHono.escudo(app, { contract })
  const once = onHono.idempotency({ scope: ({ req }) => userOf(req.header('x-user')), ...options })
  const answer = async ({ req }: Context) => responseOf(await handle(await bodyOf(req.raw)))
  for (const path of ['/orders', '/orders/:id']) app.on(['POST', 'PATCH', 'PUT'], path, once, answer)
  return await serviceOf(serve({ fetch: app.fetch, createServer, port: 0, hostname: '127.0.0.1' }) as Server)
}

async function bodyOf(request: Request): Promise<unknown> {
  return request.headers.has('content-type') ? await request.json() : undefined
}

function responseOf({ status, body, headers: given = {}, isStreamed }: Answer): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(given)) for (const one of [value].flat()) headers.append(name, one)
  const stream = isStreamed ? (Readable.toWeb(streamOf(body)) as ReadableStream<Uint8Array>) : undefined
  return new Response(status === 204 ? null : (stream ?? (body as string)), { status, headers })
}
