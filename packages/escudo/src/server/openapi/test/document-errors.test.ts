import { Validator } from '@seriousme/openapi-schema-validator'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { type DocumentErrorsOptions, documentErrors, type JsonObject, type OpenApiDocument } from '../../openapi.ts'
import { contract } from './small-service.ts'

const OK = { 200: { description: 'A potion' } }
const apiKey = { type: 'apiKey', in: 'header', name: 'X-Key' }

function documentOf(paths: object, more: object = {}, options: Partial<DocumentErrorsOptions> = {}): OpenApiDocument {
  const collected = { openapi: '3.0.3', info: { title: 'Shop', version: '1' }, paths, ...more }
  return documentErrors(collected, { contract, ...options })
}

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
  readonly content?: Readonly<Record<string, { readonly schema?: { readonly oneOf?: readonly { $ref: string }[] } }>>
}

const validator = new Validator()

async function problemsOf(document: OpenApiDocument): Promise<unknown> {
  const { valid, errors } = await validator.validate(JSON.parse(JSON.stringify(document)))
  return valid ? undefined : errors
}

describe('documentErrors', () => {
  it('lists what an operation names, what a route declares, and what inputs imply', async () => {
    const document = documentOf(
      {
        '/potions/{id}': {
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          get: { 'x-errors': ['ITEM_NOT_FOUND'], responses: OK, description: 'Kept.', deprecated: true },
          put: {
            operationId: 'replace',
            parameters: [{ $ref: '#/components/parameters/Dry' }],
            requestBody: { content: { 'application/json': { schema: { type: 'object' } } } },
            responses: OK,
          },
        },
        '/bare': { delete: { responses: { 204: { description: 'Gone' } } } },
      },
      { components: { parameters: { Dry: { name: 'dry', in: 'query', schema: { type: 'boolean' } } } } },
      { routes: [{ method: 'put', url: '/potions/:potion', description: { errors: ['SOLD_OUT'] } }] },
    )
    expect(codes(document, '/potions/{id}')).toEqual({ 404: ['ITEM_NOT_FOUND'], 500: ['INTERNAL_SERVER_ERROR'] })
    expect(codes(document, '/potions/{id}', 'put')).toMatchObject({ 409: ['SOLD_OUT'], 422: ['VALIDATION_ERROR'] })
    expect(document.paths['/potions/{id}']?.['get']).toMatchObject({
      description: 'Kept.',
      deprecated: true,
      operationId: 'getPotionsId',
      responses: { 200: { description: 'A potion', headers: { 'X-Trace-ID': {} } }, default: {} },
    })
    expect(document.paths['/potions/{id}']?.['put']).toMatchObject({
      operationId: 'replace',
      parameters: [
        { name: 'id', in: 'path' },
        { name: 'dry', in: 'query', schema: { type: 'boolean' } },
      ],
    })
    expect(Object.keys(codes(document, '/bare', 'delete'))).toEqual(['400', '413', '415', '500'])
    expect(JSON.stringify(document)).not.toContain('x-errors')
    expect(await problemsOf(document)).toBeUndefined()
  })

  it('lists errors of bodies only for operations with a body, if the service parses no other', () => {
    const body = { content: { 'application/json': { schema: {} } } }
    const paths = { '/a': { post: { responses: OK } }, '/b': { post: { requestBody: body, responses: OK } } }
    const document = documentOf(paths, {}, { parsesEveryBody: false })
    expect(Object.keys(codes(document, '/a', 'post'))).toEqual(['500'])
    expect(Object.keys(codes(document, '/b', 'post'))).toEqual(['400', '413', '415', '422', '500'])
  })

  it('lists a 401 and a 403 for a scheme of the document, or what the options say of it', () => {
    const components = { securitySchemes: { key: apiKey, token: apiKey } }
    const paths = {
      '/global': { get: { responses: OK } },
      '/own': { get: { security: [{ token: [] }], responses: OK } },
      '/open': { get: { security: [], responses: OK } },
    }
    const options = { security: { token: { errors: ['NO_TOKEN'] } } }
    const document = documentOf(paths, { components, security: [{ key: [] }] }, options)
    expect(codes(document, '/global')).toMatchObject({ 401: ['UNAUTHORIZED'], 403: ['FORBIDDEN'] })
    expect(codes(document, '/own')).toMatchObject({ 401: ['NO_TOKEN'] })
    expect(codes(document, '/own')).not.toHaveProperty('403')
    expect(Object.keys(codes(document, '/open'))).toEqual(['500'])
    expect(document.components['securitySchemes']).toEqual(components.securitySchemes)
    expect(() => documentOf({ '/a': { get: { security: [{ nada: [] }], responses: OK } } })).toThrow(
      'GET /a names the security "nada"; known: none',
    )
    expect(() => documentOf({}, {}, options)).toThrow(ConfigurationError)
  })

  it('replaces the tool’s errors, and keeps the description of a status that is not listed', async () => {
    const foreign = { content: { 'application/json': { schema: { type: 'object', properties: { oops: {} } } } } }
    const document = documentOf(
      {
        '/a': {
          get: {
            'x-errors': ['SOLD_OUT'],
            responses: {
              '2xx': {},
              302: { $ref: '#/components/responses/Moved' },
              409: { description: 'Nest’s', ...foreign },
              '4XX': { description: '' },
              418: { description: 'A teapot', ...foreign },
              default: foreign,
            },
          },
        },
        '/b': { get: {} },
      },
      { components: { responses: { Moved: { description: 'Moved' } } } },
    )
    const responses = document.paths['/a']?.['get']?.['responses'] as Record<string, JsonObject>
    expect(Object.keys(responses)).toEqual(['302', '409', '418', '500', '4XX', 'default'])
    expect(responses['302']).toEqual({ $ref: '#/components/responses/Moved' })
    expect(responses['418']).toMatchObject({
      description: 'A teapot',
      content: { 'application/json': { schema: { $ref: '#/components/schemas/AnyError' } } },
    })
    expect(responses['4XX']).toMatchObject({ description: 'Error.' })
    expect(JSON.stringify(document)).not.toContain('oops')
    expect(document.paths['/b']?.['get']?.['responses']).toHaveProperty('2XX.description', 'Success.')
    expect(await problemsOf(document)).toBeUndefined()
  })

  it('keeps components of the document, and gives its own a free name', async () => {
    const schemas = { Problem: { type: 'object' }, Schema1: { type: 'null' }, Potion: { type: 'string' } }
    const Tree = z.object({
      get children() {
        return z.array(Tree)
      },
    })
    const routes = [{ method: 'POST', url: '/a', description: { body: Tree } }]
    const document = documentOf({ '/a': { post: { responses: OK } } }, { components: { schemas } }, { routes })
    expect(document.components['schemas']).toMatchObject({
      ...schemas,
      Problem_2: { title: 'Problem' },
      Schema1_2: { properties: { children: { items: { $ref: '#/components/schemas/Schema1_2' } } } },
    })
    expect(await problemsOf(document)).toBeUndefined()
    const taken = { components: { schemas: { BAD_REQUEST: {} } } }
    expect(() => documentOf({}, taken)).toThrow('has its own #/components/schemas/BAD_REQUEST')
    expect(() => documentErrors(document, { contract })).toThrow(TypeError)
  })

  it('converts schemas of 3.0 at every place, and no example or extension', async () => {
    const schema = {
      type: 'object',
      nullable: true,
      example: { nullable: true, example: 1 },
      required: ['n'],
      properties: {
        n: { type: 'integer', minimum: 1, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false },
        kind: { type: 'string', enum: ['a'], nullable: true },
        ref: { nullable: true, allOf: [{ $ref: '#/components/schemas/Potion' }] },
        file: { type: 'string', format: 'binary' },
        bytes: { type: 'string', format: 'byte' },
        nullable: { type: 'string', nullable: false },
        list: { type: 'array', items: { type: 'string', nullable: true } },
      },
    }
    const converted = {
      type: ['object', 'null'],
      examples: [{ nullable: true, example: 1 }],
      required: ['n'],
      properties: {
        n: { type: 'integer', exclusiveMinimum: 1, maximum: 9 },
        kind: { type: ['string', 'null'], enum: ['a', null] },
        ref: { anyOf: [{ allOf: [{ $ref: '#/components/schemas/Potion' }] }, { type: 'null' }] },
        file: { type: 'string', contentMediaType: 'application/octet-stream' },
        bytes: { type: 'string', contentEncoding: 'base64' },
        nullable: { type: 'string' },
        list: { type: 'array', items: { type: ['string', 'null'] } },
      },
    }
    const media = { 'application/json': { schema, example: { nullable: true } } }
    const convertedMedia = { 'application/json': { schema: converted, example: { nullable: true } } }
    const parameter = { name: 'q', in: 'query', schema: { type: 'string', nullable: true } }
    const document = documentOf(
      {
        '/a': {
          parameters: [parameter],
          post: {
            'x-note': { nullable: true },
            requestBody: { content: media },
            responses: { 200: { description: 'OK', content: media, headers: { H: { schema } } } },
            callbacks: { done: { '{$url}': { post: { requestBody: { content: media }, responses: OK } } } },
          },
        },
      },
      { components: { schemas: { Potion: schema }, requestBodies: { B: { content: media } } } },
    )
    expect(document.paths['/a']?.['post']).toMatchObject({
      'x-note': { nullable: true },
      parameters: [{ name: 'q', schema: { type: ['string', 'null'] } }],
      requestBody: { content: convertedMedia },
      responses: { 200: { content: convertedMedia, headers: { H: { schema: converted } } } },
      callbacks: { done: { '{$url}': { post: { requestBody: { content: convertedMedia } } } } },
    })
    expect(document.components).toMatchObject({
      schemas: { Potion: converted },
      requestBodies: { B: { content: convertedMedia } },
    })
    expect(await problemsOf(document)).toBeUndefined()
  })

  it('joins paths that differ in the names of their parameters, and leaves HEAD to GET', () => {
    const id = (name: string) => [{ name, in: 'path', required: true, schema: { type: 'integer' } }]
    const document = documentOf({
      '/a/{id}': { get: { parameters: id('id'), responses: OK }, head: { responses: OK } },
      '/a/{name}': { summary: 'x', post: { parameters: id('name'), responses: OK }, get: { responses: OK } },
      '/b/{*}': { head: { responses: OK } },
    })
    expect(Object.keys(document.paths)).toEqual(['/a/{id}', '/b/{wildcard}'])
    expect(Object.keys(document.paths['/a/{id}'] ?? {}).sort()).toEqual(['get', 'post', 'summary'])
    expect(document.paths['/a/{id}']?.['post']?.['parameters']).toMatchObject([
      { name: 'id', schema: { type: 'integer' } },
    ])
    expect(document.paths['/b/{wildcard}']?.['head']?.['parameters']).toMatchObject([{ name: 'wildcard' }])
  })

  it.each([
    [undefined, /document/],
    [{}, /document: expected OpenAPI 3\.0 or 3\.1/],
    [{ swagger: '2.0' }, /document/],
    [{ openapi: '3.2.0', paths: {} }, /document/],
    [[], /document/],
  ])('refuses the document %j', (document, message) => {
    expect(() => documentErrors(document as never, { contract })).toThrow(ConfigurationError)
    expect(() => documentErrors(document as never, { contract })).toThrow(message)
  })

  it('refuses invalid options, and names of errors that are unknown', () => {
    expect(() => documentOf({}, {}, { contract: {} as never })).toThrow(/documentErrors\.contract/)
    expect(() => documentOf({}, {}, { routes: {} as never })).toThrow(/documentErrors\.routes/)
    expect(() => documentOf({}, {}, { security: [] as never })).toThrow(/documentErrors\.security/)
    expect(() => documentOf({}, {}, { parsesEveryBody: 1 as never })).toThrow(/documentErrors\.parsesEveryBody/)
    expect(() => documentOf({}, {}, { parseEveryBody: true } as never)).toThrow(/parsesEveryBody/)
    expect(() => documentOf({ '/a': { get: { 'x-errors': ['NADA'] } } })).toThrow('GET /a lists "NADA"')
    expect(() => documentOf({ '/a': { get: { 'x-errors': 'NADA' } } })).toThrow('not an array of names')
  })

  it('property: any document becomes valid OpenAPI 3.1, and is not changed itself', async () => {
    const schema = fc.letrec<{ schema: object }>((tie) => ({
      schema: fc.oneof(
        { depthSize: 'small' },
        fc.record(
          {
            type: fc.constantFrom('string', 'integer', 'boolean'),
            nullable: fc.boolean(),
            format: fc.constantFrom('binary', 'byte', 'date'),
            minimum: fc.integer(),
            exclusiveMinimum: fc.boolean(),
            example: fc.jsonValue({ maxDepth: 1 }),
          },
          { requiredKeys: ['type'] },
        ),
        fc.record({
          type: fc.constant('object'),
          properties: fc.dictionary(fc.constantFrom('a', 'nullable', 'example'), tie('schema'), { maxKeys: 2 }),
        }),
        fc.record({ type: fc.constant('array'), items: tie('schema') }),
        fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }), nullable: fc.boolean() }),
      ),
    })).schema
    const media = schema.map((schema) => ({ 'application/json': { schema } }))
    const operation = fc.record(
      {
        'x-errors': fc.subarray(['ITEM_NOT_FOUND', 'SOLD_OUT', 'BUSY', 'FORBIDDEN']),
        operationId: fc.constantFrom('one', 'two'),
        requestBody: media.map((content) => ({ content })),
        responses: fc.dictionary(
          fc.constantFrom('200', '201', '2XX', '302', '404', '409', '5XX', 'default'),
          media.map((content) => ({ description: 'd', content })),
          { maxKeys: 3 },
        ),
      },
      { requiredKeys: [] },
    )
    const item = fc.dictionary(fc.constantFrom('get', 'put', 'post', 'head', 'trace'), operation)
    const paths = fc.dictionary(fc.constantFrom('/', '/a', '/a/{b}', '/a/{c}', '/{d}/{e}', '/{e}/{d}'), item)
    const version = fc.constantFrom('3.0.0', '3.0.4', '3.1.0')
    await fc.assert(
      fc.asyncProperty(version, paths, async (openapi, paths) => {
        const collected = { openapi, info: { title: 'Shop', version: '1' }, paths }
        const before = JSON.stringify(collected)
        const document = documentErrors(collected, { contract })
        expect(JSON.stringify(collected)).toBe(before)
        expect(await problemsOf(document)).toBeUndefined()
        const ids = [...JSON.stringify(document.paths).matchAll(/"operationId":"([^"]+)"/g)].map(([, id]) => id)
        expect(new Set(ids).size).toBe(ids.length)
      }),
      { numRuns: 60 },
    )
  })

  it('accepts anything where a schema contains itself, as in a document without references', () => {
    const tree: Record<string, unknown> = { type: 'object' }
    tree['properties'] = { left: tree, right: tree, up: tree }
    const list = { type: 'array', items: tree, nullable: true }
    const document = documentOf(
      { '/tree': { post: { requestBody: { content: { 'application/json': { schema: tree } } }, responses: OK } } },
      { components: { schemas: { List: list } } },
    )
    const expected = { type: 'object', properties: { left: {}, right: {}, up: {} } }
    expect(document.paths['/tree']?.['post']).toMatchObject({
      requestBody: { content: { 'application/json': { schema: expected } } },
    })
    expect(document.components['schemas']?.['List']).toEqual({ type: ['array', 'null'], items: expected })
  })
})
