import { type } from 'arktype'
import type { FastifyInstance } from 'fastify'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { inputOf, route } from '../../fastify.ts'
import { serverPerTest, type TestServer, url } from './setup.ts'

const start = serverPerTest()

describe('validation', () => {
  const User = z.object({ email: z.string(), nombre: z.string() })
  const routes = (app: FastifyInstance): void => {
    app.post(
      '/users',
      route({ body: User, errors: ['EMAIL_ALREADY_EXISTS'] }, async ({ body }) => body),
    )
    app.get(
      '/items',
      route({ query: z.object({ limit: z.string().regex(/^\d+$/).transform(Number) }) }, async ({ query }) => query),
    )
    app.post(
      '/many',
      route({ body: z.array(z.number()), query: z.object({ q: z.string() }) }, async () => 'ok'),
    )
    const schema = {
      body: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, required: ['a', 'b'] },
    }
    app.post('/ajv', { schema }, async () => 'ok')
  }
  const post = async (
    shop: TestServer,
    path: string,
    body: unknown,
  ): Promise<{ status: number; text: string; context: { errors: unknown[]; total?: number } }> => {
    const response = await fetch(url(shop, path), {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
    const text = await response.text()
    return { status: response.status, text, context: JSON.parse(text).context }
  }

  test('coerces nothing, reports every finding with its pointer, and echoes no value', async () => {
    const shop = await start(routes)
    const { status, text, context } = await post(shop, '/users', { email: 55_555 })
    expect(status).toBe(422)
    expect(context.errors).toEqual([
      { in: 'body', pointer: '/email', code: 'invalid_type', message: expect.any(String) },
      { in: 'body', pointer: '/nombre', code: 'required', message: expect.any(String) },
    ])
    expect(text).not.toContain('55555')
    expect(text).toContain('"error_code":"VALIDATION_ERROR"')
    expect((await post(shop, '/users', { email: 'a', nombre: 'b', extra: 1 })).text).toBe('{"email":"a","nombre":"b"}')
    for (const body of [[], 'text', 5, null, true]) expect((await post(shop, '/users', body)).status).toBe(422)
  })

  test('passes the output of the schema to the handler', async () => {
    const shop = await start(routes)
    expect(await (await fetch(url(shop, '/items?limit=7'))).json()).toEqual({ limit: 7 })
    const bad = (await (await fetch(url(shop, '/items?limit=x'))).json()) as { context: unknown }
    expect(bad.context).toEqual({
      errors: [{ in: 'query', pointer: '/limit', code: 'invalid_format', message: expect.any(String) }],
    })
  })

  test('sends 50 findings and the total for 1001 findings in two parts', async () => {
    const shop = await start(routes)
    const { status, context } = await post(
      shop,
      '/many',
      Array.from({ length: 1_000 }, () => 'x'),
    )
    expect(status).toBe(422)
    expect(context.errors).toHaveLength(50)
    expect(context.total).toBe(1_001)
    expect(context.errors.slice(0, 2)).toMatchObject([
      { in: 'query', pointer: '/q' },
      { in: 'body', pointer: '/0' },
    ])
  })

  test('answers in the same form for a route with a JSON Schema, without coercion', async () => {
    const shop = await start(routes)
    const { status, context } = await post(shop, '/ajv', { a: 5 })
    expect(status).toBe(422)
    expect(context.errors).toEqual(
      expect.arrayContaining([
        { in: 'body', pointer: '/a', code: 'type', message: expect.any(String) },
        { in: 'body', pointer: '/b', code: 'required', message: expect.any(String) },
      ]),
    )
  })

  test('repeats no value of a body in the answer of an ArkType or Valibot route', async () => {
    const shop = await start((app) => {
      app.post(
        '/ark',
        route({ body: type({ role: "'admin'|'user'" }) }, async () => 'ok'),
      )
      app.post(
        '/valibot',
        route({ body: v.object({ role: v.picklist(['admin', 'user']) }) }, async () => 'ok'),
      )
    })
    for (const path of ['/ark', '/valibot']) {
      for (const role of [['SECRET'], 'SE"CRET', { a: 'SECRET' }, [[{ b: ['SECRET'] }]]]) {
        const { status, text, context } = await post(shop, path, { role })
        expect(status).toBe(422)
        expect(text).not.toMatch(/SE|CRET/)
        expect(context.errors).toEqual([
          { in: 'body', pointer: '/role', code: expect.any(String), message: expect.stringMatching(/admin.*user/) },
        ])
      }
    }
  })

  test('answers 500 when a schema throws', async () => {
    const broken = z.object({}).refine(() => {
      throw new Error('schema')
    })
    const shop = await start((app) => {
      app.post(
        '/users',
        route({ body: broken }, async () => 'ok'),
      )
    })
    expect((await post(shop, '/users', {})).status).toBe(500)
  })

  const standard = (validate: (value: unknown) => unknown): never =>
    ({ '~standard': { version: 1, vendor: 'test', validate } }) as never
  const rejectEmpty = (): Promise<never> => Promise.reject(undefined)
  const throwEmpty = (): never => {
    throw undefined
  }

  test.each<readonly [string, (value: unknown) => unknown, number]>([
    ['is synchronous', (value) => ({ value }), 200],
    ['is asynchronous', async (value) => ({ value }), 200],
    ['is asynchronous and refuses', async () => ({ issues: [{ message: 'no' }] }), 422],
    ['rejects', () => Promise.reject(new Error('schema')), 500],
    ['rejects with undefined', rejectEmpty, 500],
    ['throws undefined', throwEmpty, 500],
    ['returns nothing', () => undefined, 500],
  ])(
    'a schema that %s decides before the handler runs, beside a synchronous one',
    async (_name, validate, expected) => {
      let handled = 0
      const shop = await start((app) => {
        const parts = [
          { body: standard(validate), query: z.object({}) },
          { body: z.looseObject({}), query: standard(validate) },
        ]
        for (const [index, part] of parts.entries()) {
          app.post(
            `/${index}`,
            route(part, async () => {
              handled += 1
              return {}
            }),
          )
        }
      })
      expect([(await post(shop, '/0', {})).status, (await post(shop, '/1', {})).status]).toEqual([expected, expected])
      expect(handled).toBe(expected === 200 ? 2 : 0)
    },
  )

  test('types the request by its schemas, and inputOf reads the declaration', () => {
    const options = route({ body: User, errors: ['EMAIL_ALREADY_EXISTS'] }, async (request) => {
      expectTypeOf(request.body).toEqualTypeOf<{ email: string; nombre: string }>()
      expectTypeOf(request.query).toEqualTypeOf<unknown>()
    })
    expect(inputOf(options.config)).toMatchObject({ body: User, errors: ['EMAIL_ALREADY_EXISTS'] })
    expect(inputOf(undefined)).toBeUndefined()
    expect(() => route({ body: {} as never }, () => undefined)).toThrow(TypeError)
  })
})
