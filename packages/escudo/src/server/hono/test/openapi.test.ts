import { Hono } from 'hono'
import { describeRoute, generateSpecs, validator } from 'hono-openapi'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { escudo, type HonoOpenApiOptions, openapi, route } from '../../hono.ts'
import { errorCoverage, type OpenApiDocument } from '../../openapi.ts'
import { keptLines } from '../../test/kept-lines.ts'

const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
const contract = createErrorContract({ service: 'shop', errors: Errors })
const info = { title: 'Shop', version: '1' }

async function documentOf(app: Hono, options: Partial<HonoOpenApiOptions> = {}): Promise<OpenApiDocument> {
  return await openapi(app, { contract, info, generateSpecs, ...options })
}

const soldOut = route({ errors: ['SOLD_OUT'] }, () => {
  throw new Errors.SOLD_OUT()
})
const statuses = (document: OpenApiDocument, path: string, method = 'get'): readonly string[] =>
  Object.keys((document.paths[path]?.[method]?.['responses'] ?? {}) as object).filter((status) =>
    /^\d{3}$/.test(status),
  )

describe('openapi of Hono', () => {
  it('joins what describeRoute and validator say with what the route declares', async () => {
    const app = new Hono()
    escudo(app, { contract })
    app.post(
      '/orders/:id',
      describeRoute({ summary: 'An order', tags: ['orders'], responses: { 201: { description: 'Ordered' } } }),
      validator('query', z.object({ dry: z.enum(['yes', 'no']) })),
      soldOut,
    )
    const document = await documentOf(app)
    const operation = document.paths['/orders/{id}']?.['post']
    expect(operation).toMatchObject({
      summary: 'An order',
      tags: ['orders'],
      parameters: [
        { name: 'id', in: 'path', required: true },
        { name: 'dry', in: 'query', required: true },
      ],
      responses: { 201: { description: 'Ordered', headers: { 'X-Trace-ID': {} } } },
    })
    expect(statuses(document, '/orders/{id}', 'post')).toEqual(['201', '409', '422', '500'])
  })

  it('documents sub-apps, patterns and paths with a dot, and no middleware', async () => {
    const { lines, logger } = keptLines()
    const app = new Hono()
    escudo(app, { contract, logger })
    app.use('/private/*', async (_c, next) => await next())
    const inner = new Hono()
    inner.onError((error) => {
      throw error
    })
    inner.get('/potions/:id{[0-9]{1,3}}', soldOut)
    app.route('/v1', inner)
    app.get('/robots.txt', (c) => c.text(''))
    app.get('/any/:rest{.+}', soldOut)
    const document = await documentOf(app)
    expect(Object.keys(document.paths)).toEqual(['/v1/potions/{id}', '/robots.txt', '/any/{rest}'])
    expect(statuses(document, '/v1/potions/{id}')).toEqual(['409', '500'])
    expect(statuses(document, '/any/{rest}')).toEqual(['409', '500'])
    expect(document.paths['/robots.txt']?.['get']?.['responses']).toHaveProperty('2XX')

    // The log names the route as the document does.
    for (const path of ['/v1/potions/12', '/any/a/b']) await app.request(path)
    const seen = lines
      .filter(({ event }) => event === 'http_error')
      .map((line) => ({ method: 'GET', route: String(line['route']), code: String(line['error_code']) }))
    expect(errorCoverage(document, seen)).toMatchObject({
      undeclared: [],
      reached: ['GET /any/{rest} SOLD_OUT', 'GET /v1/potions/{id} SOLD_OUT'],
    })
  })

  it('lists errors of bodies only for a route that reads one', async () => {
    const app = new Hono()
    escudo(app, { contract })
    app.post('/bare', soldOut)
    app.post(
      '/body',
      route({ body: z.object({ a: z.string() }) }, (c) => c.text('')),
    )
    const document = await documentOf(app)
    expect(statuses(document, '/bare', 'post')).toEqual(['409', '500'])
    expect(statuses(document, '/body', 'post')).toEqual(['400', '413', '415', '422', '500'])
  })

  it('refuses invalid options, and names that are unknown', async () => {
    const app = new Hono()
    escudo(app, { contract })
    for (const options of [{ generateSpecs: undefined }, { info: {} }, { tags: 'x' }, { path: '/x' }]) {
      await expect(documentOf(app, options as never), JSON.stringify(options)).rejects.toThrow(ConfigurationError)
    }
    app.get(
      '/wrong',
      route({ errors: ['NADA'] }, (c) => c.text('')),
    )
    await expect(documentOf(app)).rejects.toThrow('GET /wrong lists "NADA"')
  })
})
