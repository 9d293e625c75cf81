import swagger from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import Fastify, { type FastifyInstance } from 'fastify'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { contractOptions, escudo, type FastifyOpenApiOptions, openapi, route } from '../../fastify.ts'
import type { OpenApiDocument } from '../../openapi.ts'

const Errors = defineErrors({ SOLD_OUT: { status: 409, message: { es: 'Agotado.', en: 'Sold out.' } } })
const contract = createErrorContract({ service: 'potion-shop', errors: Errors })

async function server(
  routes: (app: FastifyInstance) => void | Promise<void>,
  options: Partial<FastifyOpenApiOptions> = {},
): Promise<FastifyInstance> {
  const app = Fastify(contractOptions(contract))
  await app.register(escudo, { contract })
  await app.register(openapi, { contract, info: { title: 'Shop', version: '1' }, ...options })
  await routes(app)
  return app
}

const documentOf = async (app: FastifyInstance, path = '/openapi.json'): Promise<OpenApiDocument> =>
  (await app.inject(path)).json()

test('documents all kinds of routes, with prefixes, methods and Fastify’s own schemas', async () => {
  const app = await server(async (app) => {
    app.get(
      '/potions/:id',
      route({ errors: ['SOLD_OUT'], summary: 'One potion' }, async () => 'potion'),
    )
    await app.register(async (inner) => void inner.post('/orders', async () => 'order'), { prefix: '/v1' })
    app.route({ method: ['PUT', 'DELETE'], url: '/potions', handler: async () => 'many' })
    const querystring = { type: 'object', properties: { limit: { type: 'string' } }, required: ['limit'] }
    app.get('/plain', { schema: { querystring, response: { 200: { type: 'string' } } } }, async () => 'plain')
    app.get('/hidden', { schema: { hide: true } as object }, async () => 'hidden')
  })
  const { paths } = await documentOf(app)
  expect(Object.entries(paths).map(([path, operations]) => [path, Object.keys(operations)])).toEqual([
    ['/potions/{id}', ['get']],
    ['/v1/orders', ['post']],
    ['/potions', ['put', 'delete']],
    ['/plain', ['get']],
  ])
  expect(paths['/potions/{id}']?.['get']).toMatchObject({ summary: 'One potion', responses: { 409: {} } })
  expect(paths['/plain']?.['get']).toMatchObject({
    parameters: [{ name: 'limit', in: 'query', required: true, schema: { type: 'string' } }],
    responses: { 200: { content: { 'application/json': { schema: { type: 'string' } } } }, 422: {} },
  })
})

test('serves the document at a custom path, and passes it on before the server listens', async () => {
  let received: OpenApiDocument | undefined
  const app = await server(() => {}, {
    path: '/api.json',
    onDocument: (document) => {
      received = document
    },
  })
  await app.ready()
  expect(received?.openapi).toBe('3.1.1')
  expect(await documentOf(app, '/api.json')).toEqual(received)
  expect((await app.inject('/openapi.json')).statusCode).toBe(404)
  expect((await app.inject({ method: 'HEAD', url: '/api.json' })).statusCode).toBe(200)
})

test('does not start with a route that names an unknown error or security', async () => {
  const app = await server(
    (app) =>
      void app.get(
        '/x',
        route({ errors: ['SOLD_OUTT'] }, async () => 'x'),
      ),
  )
  await expect(async () => await app.ready()).rejects.toThrow(/GET \/x lists "SOLD_OUTT"/)
  const guarded = await server(
    (app) =>
      void app.get(
        '/x',
        route({ security: 'admin' }, async () => 'x'),
      ),
  )
  await expect(async () => await guarded.ready()).rejects.toThrow(/GET \/x names the security "admin"; known: none/)
})

test('does not rewrite an answer by the response schema of its route', async () => {
  const response = z.object({ a: z.string() })
  const app = await server(
    (app) =>
      void app.get(
        '/x',
        route({ response }, async () => ({ a: 1, b: 2 })),
      ),
  )
  expect((await app.inject('/x')).json()).toEqual({ a: 1, b: 2 })
})

test('documents what @fastify/swagger knows of a route, and gives the document to its other plugins', async () => {
  const app = await server(
    (app) => {
      app.addSchema({ $id: 'potion', type: 'object', properties: { name: { type: 'string', nullable: true } } })
      app.post(
        '/potions/:id(^\\d+$)',
        {
          schema: {
            description: 'Adds one.',
            deprecated: true,
            operationId: 'add',
            security: [{ token: [] }],
            body: { $ref: 'potion#' },
            response: { 201: { $ref: 'potion#' }, 418: { description: 'A teapot', type: 'object' } },
          } as object,
        },
        async () => ({}),
      )
      app.get(
        '/a::b/*',
        {
          schema: { querystring: z.object({ q: z.string() }), response: { 202: z.string() } } as object,
          validatorCompiler: () => () => true,
          serializerCompiler: () => String,
        },
        async () => 'ab',
      )
    },
    { security: { token: { scheme: { type: 'apiKey', in: 'header', name: 'X-Token' }, errors: ['SOLD_OUT'] } } },
  )
  const document = await documentOf(app)
  expect(document.paths['/potions/{id}']?.['post']).toMatchObject({
    description: 'Adds one.',
    deprecated: true,
    operationId: 'add',
    parameters: [{ name: 'id', in: 'path' }],
    responses: { 201: { content: {} }, 409: {}, 418: { description: 'A teapot' }, 422: {} },
  })
  const named = Object.values(document.components['schemas'] ?? {}).find(({ title }) => title === 'potion')
  expect(named).toMatchObject({ properties: { name: { type: ['string', 'null'] } } })
  expect(document.paths['/a:b/{wildcard}']?.['get']).toMatchObject({
    parameters: [
      { name: 'wildcard', in: 'path' },
      { name: 'q', in: 'query', required: true },
    ],
    responses: { 202: { content: { 'application/json': { schema: { type: 'string' } } } } },
  })
  expect((app as unknown as { swagger(): object }).swagger()).toEqual(document)
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never)
  expect([valid, errors]).toEqual([true, undefined])
})

test('lists the errors of all versions of a route', async () => {
  const app = await server((app) => {
    for (const [version, code] of [
      ['1.0.0', 'SOLD_OUT'],
      ['2.0.0', 'FORBIDDEN'],
    ] as const) {
      app.get(
        '/v',
        route({ errors: [code], constraints: { version } }, async () => version),
      )
    }
  })
  expect((await documentOf(app)).paths['/v']?.['get']?.['responses']).toMatchObject({ 403: {}, 409: {} })
})

test('refuses a server that has @fastify/swagger already, and a security that is unknown', async () => {
  const app = Fastify(contractOptions(contract))
  await app.register(escudo, { contract })
  await app.register(swagger)
  const info = { title: 'Shop', version: '1' }
  await expect(async () => await app.register(openapi, { contract, info })).rejects.toThrow(
    'expected a server without @fastify/swagger',
  )
  const guarded = await server(
    (app) => void app.get('/x', { schema: { security: [{ admin: [] }] } as object }, async () => 'x'),
  )
  await expect(async () => await guarded.ready()).rejects.toThrow(/GET \/x names the security "admin"; known: none/)
})

test('answers 404, not 405, when an existing route finds nothing itself', async () => {
  const app = await server((app) => void app.get('/files/*', (_request, reply) => reply.callNotFound()))
  const missing = await app.inject('/files/a')
  expect([missing.statusCode, missing.json().error_code, missing.headers['allow']]).toEqual([
    404,
    'ROUTE_NOT_FOUND',
    undefined,
  ])
  const wrong = await app.inject({ method: 'POST', url: '/files/a' })
  expect([wrong.statusCode, wrong.headers['allow']]).toEqual([405, 'GET, HEAD'])
})
