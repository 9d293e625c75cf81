import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import type { StandardSchema } from '../../../errors/standard-schema.ts'
import { type DocumentedRoute, errorCoverage, type OpenApiDocument, openapiDocument } from '../../openapi.ts'
import { pathTemplate } from '../path-template.ts'
import { sampleOf } from '../sample.ts'

const Errors = defineErrors({
  ITEM_NOT_FOUND: {
    status: 404,
    message: { es: "Item '{id}' no encontrado.", en: "Item '{id}' not found." },
    context: z.object({ id: z.string() }),
  },
  NO_TOKEN: { status: 401, message: 'No token.' },
  FAILED_WITH: {
    code: 'UPSTREAM_ERROR',
    status: 502,
    message: 'Failed: {status}',
    context: z.object({ status: z.number() }),
  },
  FAILED_SILENTLY: { code: 'UPSTREAM_ERROR', status: 502, message: 'Failed.' },
  BUSY: { status: 503, message: 'Busy.' },
})
const contract = createErrorContract({
  service: 'shop',
  errors: Errors,
  locale: 'es',
  docsUrl: 'https://shop.example/e',
})
const security = { token: { scheme: { type: 'apiKey', in: 'header', name: 'X-Token' }, errors: ['NO_TOKEN'] } }
const info = { title: 'Shop', version: '1' }

const documentOf = (...routes: readonly DocumentedRoute[]): OpenApiDocument =>
  openapiDocument({ contract, info, routes, security })

/** The codes of an operation by status. */
function codes(document: OpenApiDocument, path: string, method = 'get'): Readonly<Record<string, readonly string[]>> {
  const responses = document.paths[path]?.[method]?.['responses'] as Record<string, ErrorResponse>
  return Object.fromEntries(
    Object.entries(responses).flatMap(([status, { content }]) => {
      const { oneOf } = content?.['application/json']?.schema ?? {}
      return oneOf === undefined ? [] : [[status, oneOf.map(({ $ref }) => $ref.split('/').at(-1) ?? '')]]
    }),
  )
}
interface ErrorResponse {
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: Readonly<Record<string, { readonly schema?: { readonly oneOf?: readonly { $ref: string }[] } }>>
}

test('lists errors by a route’s inputs, its security and its declaration', () => {
  const Path = z.object({ id: z.string() })
  const document = documentOf(
    { method: 'GET', url: '/items/:id', description: { params: Path, errors: ['ITEM_NOT_FOUND'] } },
    { method: 'GET', url: '/days/:day', description: { params: z.object({ day: z.iso.date() }) } },
    { method: 'GET', url: '/items', description: { query: z.object({ q: z.string().optional() }) } },
    { method: 'POST', url: '/items', description: { body: z.object({ id: z.string() }), security: 'token' } },
    { method: 'POST', url: '/bare' },
  )
  expect(codes(document, '/items/{id}')).toEqual({ 404: ['ITEM_NOT_FOUND'], 500: ['INTERNAL_SERVER_ERROR'] })
  expect(codes(document, '/days/{day}')).toHaveProperty('422', ['VALIDATION_ERROR'])
  expect(codes(document, '/items')).toHaveProperty('422')
  expect(codes(document, '/items', 'post')).toEqual({
    400: ['MALFORMED_JSON', 'BAD_REQUEST'],
    401: ['NO_TOKEN'],
    413: ['PAYLOAD_TOO_LARGE'],
    415: ['UNSUPPORTED_MEDIA_TYPE'],
    422: ['VALIDATION_ERROR'],
    500: ['INTERNAL_SERVER_ERROR'],
  })
  expect(Object.keys(codes(document, '/bare', 'post'))).toEqual(['400', '413', '415', '500'])
  expect(document.paths['/items']?.['post']?.['security']).toEqual([{ token: [] }])
})

test('lists errors of any route in default, and in a listed response with their status', () => {
  const document = documentOf({ method: 'GET', url: '/a', description: { errors: ['BUSY'] } })
  expect(codes(document, '/a')).toMatchObject({ 503: ['BUSY', 'SHUTTING_DOWN'] })
  expect(document.paths['/a']?.['get']?.['responses']).toMatchObject({
    503: { headers: { 'Retry-After': {}, 'X-Trace-ID': {} } },
    default: { $ref: '#/components/responses/Anywhere' },
  })
  expect(JSON.stringify(document.components['responses'])).toContain('HEADERS_TOO_LARGE')
})

test('makes one component of entries that share a code, with examples per language', () => {
  const document = documentOf({
    method: 'GET',
    url: '/a',
    description: { errors: ['FAILED_WITH', 'FAILED_SILENTLY', 'ITEM_NOT_FOUND'] },
  })
  expect(codes(document, '/a')).toMatchObject({ 502: ['UPSTREAM_ERROR'] })
  const schema = document.components['schemas']?.['UPSTREAM_ERROR']
  expect(schema).toHaveProperty('properties.error_code', { type: 'string', const: 'UPSTREAM_ERROR' })
  expect(schema).toHaveProperty('properties.context.anyOf')
  expect(schema).toMatchObject({ properties: { context: { anyOf: [{ maxProperties: 0 }, { required: ['status'] }] } } })
  const examples = document.components['examples'] ?? {}
  // A message without a translation is shown once.
  expect(Object.keys(examples).filter((name) => !/^[A-Z_]+\.(es|en)$/.test(name))).toEqual([])
  expect(Object.keys(examples)).toEqual(expect.arrayContaining(['FAILED_WITH.es', 'ITEM_NOT_FOUND.en']))
  expect(Object.keys(examples)).not.toContain('FAILED_WITH.en')
  expect(examples['ITEM_NOT_FOUND.en']).toMatchObject({
    value: { message: "Item 'id' not found.", status_code: 404, service_name: 'shop', context: { id: 'id' } },
  })
  expect(JSON.stringify(documentOf())).toBe(JSON.stringify(documentOf()))
})

test('makes valid OpenAPI 3.1 of odd schemas and patterns', async () => {
  const Tree = z.object({
    name: z.string(),
    get children() {
      return z.array(Tree)
    },
  })
  const silent: StandardSchema = { '~standard': { version: 1, vendor: 'x', validate: (value) => ({ value }) } }
  const throwing = z.custom(() => true)
  const cycle: Record<string, unknown> = { type: 'object' }
  cycle['properties'] = { left: cycle, right: cycle, up: cycle, down: cycle }
  const document = documentOf(
    { method: 'POST', url: '/tree', description: { body: Tree, response: { 201: Tree } } },
    {
      method: 'get',
      url: '/silent/:id/:rest(^\\d+(a|b)$)?',
      description: { params: silent, query: silent, headers: silent },
    },
    { method: 'PUT', url: '/throwing/*', description: { body: throwing, response: throwing, query: throwing } },
    { method: 'PATCH', url: '/json', description: { body: { $ref: 'user#' }, response: { type: 'string' } } },
    { method: 'PUT', url: '/cycle', description: { body: cycle, response: cycle } },
    { method: 'PROPFIND', url: '/left-out' },
    { method: 'HEAD', url: '/left-out' },
    { method: 'GET', url: '/twice', description: { errors: ['BUSY'] } },
    { method: 'GET', url: '/twice', description: { errors: ['NO_TOKEN'] } },
    { method: 'GET', url: '/twice/' },
  )
  const { valid, errors } = await new Validator().validate({ ...structuredClone(document) })
  expect([valid, errors]).toEqual([true, undefined])
  expect(Object.keys(document.paths)).toEqual([
    '/tree',
    '/silent/{id}/{rest}',
    '/throwing/{wildcard}',
    '/json',
    '/cycle',
    '/twice',
    '/twice/',
  ])
  expect(Object.keys(codes(document, '/twice'))).toEqual(['401', '500', '503'])
  expect(document.components['schemas']).toMatchObject({
    Schema1: { properties: { children: { items: { $ref: '#/components/schemas/Schema1' } } } },
  })
})

test('throws an error that names an invalid option, or a route’s unknown error or security', () => {
  expect(() => documentOf({ method: 'GET', url: '/a', description: { errors: ['NADA'] } })).toThrow(
    /GET \/a lists "NADA"/,
  )
  expect(() => documentOf({ method: 'GET', url: '/a', description: { errors: ['constructor'] } })).toThrow(TypeError)
  expect(() => documentOf({ method: 'GET', url: '/a', description: { security: 'toString' } })).toThrow(/known: token/)
  expect(() => openapiDocument({ contract: {} as never, info, routes: [] })).toThrow(/contract/)
  expect(() => openapiDocument({ contract, info: {} as never, routes: [] })).toThrow(/info/)
  expect(() => openapiDocument({ contract, info, routes: {} as never })).toThrow(/routes/)
})

test('errorCoverage lists undeclared, unreached and reached errors of documented routes', () => {
  const document = documentOf({ method: 'GET', url: '/items/:id', description: { errors: ['ITEM_NOT_FOUND', 'BUSY'] } })
  const at = (code: string, method = 'GET', route = '/items/:id') => ({ method, route, code })
  const seen = [at('BUSY', 'HEAD'), at('NO_TOKEN'), at('URI_TOO_LONG'), at('NO_TOKEN', 'GET', '/hidden')]
  expect(errorCoverage(JSON.parse(JSON.stringify(document)), seen)).toEqual({
    undeclared: ['GET /items/{id} NO_TOKEN'],
    unreached: ['GET /items/{id} ITEM_NOT_FOUND'],
    reached: ['GET /items/{id} BUSY', 'GET /items/{id} URI_TOO_LONG'],
  })
})

test.each([
  ['/', '/', []],
  ['/items/:id', '/items/{id}', ['id']],
  ['/a/:from-:to.png', '/a/{from}-{to}.png', ['from', 'to']],
  ['/a/:n(^(\\d|\\()+$)/b', '/a/{n}/b', ['n']],
  ['/a/:n(', '/a/{n}', ['n']],
  ['/a/:n?', '/a/{n}', ['n']],
  ['/a::verb', '/a:verb', []],
  ['*', '/{wildcard}', ['wildcard']],
  // Of Hono
  ['/a/:n{[0-9]{2}}/b', '/a/{n}/b', ['n']],
  ['/a/:rest{.+}', '/a/{rest}', ['rest']],
  // Of Express 5
  ['/files/*path', '/files/{path}', ['path']],
  ['/a{/:n}', '/a/{n}', ['n']],
  ['/:name{.:kind}', '/{name}.{kind}', ['name', 'kind']],
  // Of a document
  ['/a/{user-id}', '/a/{user-id}', ['user-id']],
])('converts the pattern %s to the template %s', (pattern, path, names) => {
  expect(pathTemplate(pattern)).toEqual({ path, names })
})

test.each([
  [{ type: 'string' }, 'id'],
  [{ type: 'string', minLength: 5 }, 'ididid'.slice(0, 5)],
  [{ type: 'string', maxLength: 1 }, 'i'],
  [{ type: 'string', format: 'date' }, '2026-01-31'],
  [{ type: 'string', examples: ['a', 'b'] }, 'a'],
  [{ const: 7 }, 7],
  [{ enum: ['x', 'y'] }, 'x'],
  [{ type: ['string', 'null'] }, 'id'],
  [{ anyOf: [{ type: 'null' }, { type: 'boolean' }] }, true],
  [
    {
      allOf: [
        { properties: { a: { const: 1 } }, required: ['a'] },
        { properties: { b: { const: 2 } }, required: ['b'] },
      ],
    },
    { a: 1, b: 2 },
  ],
  [{ type: 'integer', minimum: 3 }, 3],
  [{ type: 'number', exclusiveMinimum: 1 }, 2],
  [{ type: 'number', maximum: 0 }, 0],
  [{ type: 'integer', multipleOf: 5 }, 5],
  [{ type: 'array', items: { type: 'integer' } }, [1]],
  [{ type: 'object', properties: { a: { type: 'string' }, b: {} }, required: ['a'] }, { a: 'a' }],
  [{ type: 'null' }, null],
  [{}, 'id'],
  [null, null],
])('makes a sample for the schema %j', (schema, sample) => {
  expect(sampleOf(schema, 'id')).toEqual(sample)
})
