// The same small service, documented by the tool of each framework.
import 'reflect-metadata'
import { Body, Controller, Get, Module, Param, Post, Query } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { SwaggerModule } from '@nestjs/swagger'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { generateSpecs } from 'hono-openapi'
import { z } from 'zod'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import * as onFastify from '../../fastify.ts'
import * as onHono from '../../hono.ts'
import type { PlatformName } from '../../nest/test/setup.ts'
import { decorate } from '../../nest/test/setup.ts'
import * as onNest from '../../nest.ts'
import type { DocumentedRoute, OpenApiDocument } from '../../openapi.ts'

const Errors = defineErrors({
  ITEM_NOT_FOUND: {
    status: 404,
    message: { es: "Item '{id}' no encontrado.", en: "Item '{id}' not found." },
    context: z.object({ id: z.string() }),
  },
  SOLD_OUT: { status: 409, message: { es: 'Agotado.', en: 'Sold out.' } },
  NO_TOKEN: { status: 401, message: { es: 'Sin credencial.', en: 'No token.' } },
  BUSY: { status: 503, message: { es: 'Ocupado.', en: 'Busy.' } },
})
export const contract = createErrorContract({ service: 'shop', errors: Errors, locale: 'en' })
export const shared = {
  contract,
  info: { title: 'Shop', version: '1' },
  security: { token: { scheme: { type: 'apiKey', in: 'header', name: 'X-Token' }, errors: ['NO_TOKEN'] } },
} as const

const Item = z.object({ id: z.string(), nombre: z.string() })
const NewUser = z.object({ email: z.string(), nombre: z.string() })
const Page = z.object({ limit: z.string().optional() })

const ITEM = { summary: 'One item', params: Item.pick({ id: true }), response: Item } as const
const ITEM_ERRORS = ['ITEM_NOT_FOUND', 'BUSY'] as const
const USER = { body: NewUser, response: { 201: NewUser }, security: 'token' } as const
const LIST = { query: Page, tags: ['items'] } as const

export const ROUTES: readonly DocumentedRoute[] = [
  { method: 'GET', url: '/items/:id', description: { ...ITEM, errors: ITEM_ERRORS } },
  { method: 'GET', url: '/items', description: LIST },
  { method: 'POST', url: '/users', description: { ...USER, errors: ['SOLD_OUT'] } },
  { method: 'GET', url: '/plain', description: {} },
]

async function onFastifyServer(): Promise<OpenApiDocument> {
  const app = Fastify(onFastify.contractOptions(contract))
  await app.register(onFastify.escudo, { contract })
  await app.register(onFastify.openapi, shared)
  app.get(
    '/items/:id',
    onFastify.route({ ...ITEM, errors: ITEM_ERRORS }, async () => ({})),
  )
  app.get(
    '/items',
    onFastify.route(LIST, async () => []),
  )
  app.post(
    '/users',
    onFastify.route({ ...USER, errors: ['SOLD_OUT'] }, async ({ body }) => body),
  )
  app.get('/plain', async () => 'plain')
  const document = (await app.inject('/openapi.json')).json()
  await app.close()
  return document
}

async function onHonoServer(): Promise<OpenApiDocument> {
  const app = new Hono()
  onHono.escudo(app, { contract })
  app.get(
    '/items/:id',
    onHono.route({ ...ITEM, errors: ITEM_ERRORS }, (c) => c.json({})),
  )
  app.get(
    '/items',
    onHono.route(LIST, (c) => c.json([])),
  )
  const users = new Hono()
  users.onError((error) => {
    throw error
  })
  users.post(
    '/',
    onHono.route({ ...USER, errors: ['SOLD_OUT'] }, (c, { body }) => c.json(body, 201)),
  )
  app.route('/users', users)
  app.get('/plain', (c) => c.text('plain'))
  const document = await onHono.openapi(app, { ...shared, generateSpecs })
  app.get('/openapi.json', (c) => c.json(document))
  return (await (await app.request('/openapi.json')).json()) as OpenApiDocument
}

class Items {
  one(_id: string): object {
    return {}
  }
  all(_query: unknown): readonly object[] {
    return []
  }
  addUser(user: unknown): unknown {
    return user
  }
  plain(): string {
    return 'plain'
  }
}
decorate(Items, 'one', [Get('items/:id'), onNest.ApiErrors(...ITEM_ERRORS), onNest.Route(ITEM)], [Param('id')])
decorate(Items, 'all', [Get('items'), onNest.Route(LIST)], [Query()])
decorate(Items, 'addUser', [Post('users'), onNest.Route(USER), onNest.ApiErrors('SOLD_OUT')], [Body()])
decorate(Items, 'plain', [Get('plain')])
Controller()(Items)

async function onNestServer(platform: PlatformName): Promise<OpenApiDocument> {
  class Root {}
  Module({ controllers: [Items], imports: [onNest.EscudoModule.forRoot({ contract })] })(Root)
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter()
  const app = await NestFactory.create(Root, adapter, { logger: false, abortOnError: false })
  const document = await onNest.openapi(app, { ...shared, SwaggerModule })
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: '/openapi.json', ui: false })
  await app.listen(0, '127.0.0.1')
  const served = await (await fetch(`${await app.getUrl()}/openapi.json`)).json()
  await app.close()
  return served as OpenApiDocument
}

/** The document that each framework serves. */
export const SERVED: Readonly<Record<string, () => Promise<OpenApiDocument>>> = {
  fastify: onFastifyServer,
  hono: onHonoServer,
  'nest on express': () => onNestServer('express'),
  'nest on fastify': () => onNestServer('fastify'),
}
