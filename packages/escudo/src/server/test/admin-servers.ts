// A server with the admin routes on each framework, whose log lines can be read.
import 'reflect-metadata'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener, serve } from '@hono/node-server'
import { Module } from '@nestjs/common'
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { defineErrors } from '../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../errors/contract/contract.ts'
import type { Operator } from '../admin/options.ts'
import * as onExpress from '../express.ts'
import * as onFastify from '../fastify.ts'
import * as onHono from '../hono.ts'
import * as onKoa from '../koa.ts'
import type { ServerLogger } from '../logger.ts'
import * as onNest from '../nest.ts'
import * as onWeb from '../web.ts'
import { keptLines, type Line } from './kept-lines.ts'

const Forbidden = defineErrors({ NO_OPERATOR: { status: 403, message: 'Not for users.' } })
const contract = createErrorContract({ service: 'potion-shop', errors: Forbidden, locale: 'en' })
const hosts = ['shop.internal']

/** What `authorize` does with an `Authorization` header. */
export type Authorize = (authorization: string) => Operator | undefined | Promise<Operator | undefined>

/** Accepts the token of an operator, refuses that of a user with 403 and any other with 401. */
const byToken: Authorize = (authorization) => {
  if (authorization === 'Bearer user') throw new Forbidden.NO_OPERATOR()
  return authorization === 'Bearer ana' ? { actor: 'ana' } : undefined
}

type Listen = (logger: ServerLogger, authorize: Authorize) => Promise<Server> | Server

/** A server on each framework. `/read` comes before: a middleware has read the body when the admin routes are reached. */
export const SERVERS: Readonly<Record<string, Listen>> = {
  fastify: async (logger, authorize) => {
    const app = Fastify({ ...onFastify.contractOptions(contract), loggerInstance: logger as never })
    await app.register(onFastify.escudo, { contract })
    await app.register(
      onFastify.adminRoutes({
        contract,
        authorize: ({ headers }) => authorize(headers.authorization ?? ''),
        hosts,
      }),
    )
    await app.listen({ host: '127.0.0.1', port: 0 })
    return app.server
  },
  express: (logger, authorize) => {
    const { first, last, attach } = onExpress.escudo({ contract, logger })
    const admin = onExpress.adminRoutes({
      contract,
      authorize: ({ headers }) => authorize(headers.authorization ?? ''),
      hosts,
    })
    const app = express()
    app.use(first)
    app.use('/read', express.json({ type: () => true }), admin)
    app.use(admin, last)
    return attach(app.listen(0, '127.0.0.1'))
  },
  koa: (logger, authorize) => {
    const app = new Koa()
    const { attach } = onKoa.escudo(app, { contract, logger })
    app.use(async (ctx, next) => {
      if (!ctx.path.startsWith('/read/')) return await next()
      await bodyParser()(ctx, async () => {})
      ctx.path = ctx.path.slice('/read'.length)
      await next()
    })
    app.use(onKoa.adminRoutes({ contract, authorize: (ctx) => authorize(ctx.get('authorization')), hosts }))
    return attach(app.listen(0, '127.0.0.1'))
  },
  hono: (logger, authorize) => {
    const app = new Hono()
    const { createServer: create } = onHono.escudo(app, { contract, logger })
    const admin = onHono.adminRoutes({
      contract,
      authorize: (c) => authorize(c.req.header('authorization') ?? ''),
      hosts,
    })
    app.use('/read/*', async (c, next) => {
      await c.req.text()
      await next()
    })
    app.use('/read/*', admin)
    app.use(admin)
    return serve({ fetch: app.fetch, createServer: create, port: 0, hostname: '127.0.0.1' }) as Server
  },
  web: (logger, authorize) => {
    const { handler, createServer: create } = onWeb.escudo({ contract, logger })
    const admin = onWeb.adminRoutes({
      contract,
      authorize: ({ headers }) => authorize(headers.get('authorization') ?? ''),
      hosts,
    })
    return create({}, getRequestListener(handler((request) => admin(request)))).listen(0, '127.0.0.1')
  },
  'nest on express': (logger, authorize) => listenOnNest(new ExpressAdapter(), logger, authorize),
  'nest on fastify': (logger, authorize) => listenOnNest(new FastifyAdapter(), logger, authorize),
}

async function listenOnNest(adapter: AbstractHttpAdapter, logger: ServerLogger, authorize: Authorize): Promise<Server> {
  class Root {}
  Module({ imports: [onNest.EscudoModule.forRoot({ contract, logger })] })(Root)
  const app = await NestFactory.create(Root, adapter, { logger: false, abortOnError: false, bodyParser: false })
  const admin = onNest.adminRoutes({
    contract,
    authorize: ({ headers }) => authorize(headers.authorization ?? ''),
    hosts,
  })
  app.use('/read', express.json({ type: () => true }))
  app.use('/read', admin)
  app.use(admin)
  await app.listen(0, '127.0.0.1')
  return app.getHttpServer()
}

export interface AdminAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: the tests compare it
  readonly json: any
}

export interface AdminServer {
  readonly port: number
  readonly lines: readonly Line[]
  /** The lines `admin.action` so far. */
  actions(): readonly Line[]
  get(path: string, headers?: Readonly<Record<string, string>>, method?: string): Promise<AdminAnswer>
  /** Sends a body as JSON; a text as it is. `path` begins after `/admin/shields`. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<AdminAnswer>
  close(): void
}

/** Starts the server of a framework. */
export async function startAdmin(framework: string, authorize: Authorize = byToken): Promise<AdminServer> {
  const { lines, logger } = keptLines()
  const server = (await SERVERS[framework]?.(logger, authorize)) ?? createServer()
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const send = async (path: string, init: RequestInit): Promise<AdminAnswer> => {
    const target = path.startsWith('/read') ? path : `/admin/shields${path}`
    const response = await fetch(`http://127.0.0.1:${port}${target}`, init)
    const text = await response.text()
    return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) }
  }
  const ana = { authorization: 'Bearer ana' }
  return {
    port,
    lines,
    actions: () => lines.filter(({ event }) => event === 'admin.action'),
    get: (path, headers = {}, method = 'GET') => send(path, { method, headers: { ...ana, ...headers } }),
    post: (path, body, headers = {}) =>
      send(path, {
        method: 'POST',
        headers: { ...ana, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
