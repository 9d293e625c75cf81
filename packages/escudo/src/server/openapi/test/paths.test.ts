import { Validator } from '@seriousme/openapi-schema-validator'
import { type } from 'arktype'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { type DocumentedRoute, errorCoverage, type OpenApiDocument, openapiDocument } from '../../openapi.ts'

const Errors = defineErrors({
  ONE: { status: 404, message: 'One.' },
  TWO: { status: 409, message: 'Two.' },
})
const contract = createErrorContract({ service: 'shop', errors: Errors })
const documentOf = (...routes: readonly DocumentedRoute[]): OpenApiDocument =>
  openapiDocument({ contract, info: { title: 'Shop', version: '1' }, routes })
const parameters = (document: OpenApiDocument, path: string, method = 'get') =>
  (document.paths[path]?.[method]?.['parameters'] ?? []) as readonly {
    readonly name: string
    readonly schema: object
  }[]
const statuses = (document: OpenApiDocument, path: string, method = 'get'): readonly string[] =>
  Object.keys(document.paths[path]?.[method]?.['responses'] ?? {})

describe('paths that differ in the names of their parameters', () => {
  test('become one path, with the names of the first and the schema of each', async () => {
    const document = documentOf(
      { method: 'GET', url: '/d/:id', description: { params: z.object({ id: z.uuid() }), errors: ['ONE'] } },
      {
        method: 'POST',
        url: '/d/:name',
        description: { params: z.object({ name: z.string().min(3) }), errors: ['TWO'] },
      },
      { method: 'PUT', url: '/d/:key(^\\d+$)/' },
      { method: 'GET', url: '/d/:id/e/:id' },
      { method: 'GET', url: '/d/:a/e/:b' },
      { method: 'PUT', url: '/d/*' },
    )
    expect(Object.keys(document.paths)).toEqual(['/d/{id}', '/d/{key}/', '/d/{id}/e/{id2}'])
    expect(parameters(document, '/d/{id}')).toMatchObject([{ name: 'id', schema: { format: 'uuid' } }])
    expect(parameters(document, '/d/{id}', 'post')).toMatchObject([{ name: 'id', schema: { minLength: 3 } }])
    expect(parameters(document, '/d/{id}', 'put')).toMatchObject([{ name: 'id' }])
    expect(parameters(document, '/d/{id}/e/{id2}').map(({ name }) => name)).toEqual(['id', 'id2'])
    const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)))
    expect(errors).toBeUndefined()
    expect(valid).toBe(true)
  })

  test('are the same operation in the coverage, whatever the route names them', () => {
    const document = documentOf(
      { method: 'GET', url: '/d/:id', description: { errors: ['ONE'] } },
      { method: 'POST', url: '/d/:name', description: { errors: ['TWO'] } },
    )
    const { reached, undeclared } = errorCoverage(document, [
      { method: 'POST', route: '/d/:name', code: 'TWO' },
      { method: 'HEAD', route: '/d/:other', code: 'ONE' },
      { method: 'POST', route: '/d/:name', code: 'ONE' },
    ])
    expect(reached).toEqual(['GET /d/{id} ONE', 'POST /d/{id} TWO'])
    expect(undeclared).toEqual(['POST /d/{id} ONE'])
  })

  test('with one method list the errors of all, also those that their inputs imply', () => {
    const document = documentOf(
      { method: 'GET', url: '/d/:id(^\\d+$)', description: { errors: ['ONE'] } },
      { method: 'GET', url: '/d/:name', description: { query: z.object({ q: z.string() }), errors: ['TWO'] } },
    )
    expect(statuses(document, '/d/{id}')).toEqual(expect.arrayContaining(['404', '409', '422']))
  })
})

describe('parameters that a schema reads from text', () => {
  const limit = z.string().regex(/^\d+$/).transform(Number)
  test('have the bounds behind transform and pipe, and the annotations of the text', () => {
    const query = z.object({
      limit: limit.pipe(z.number().int().min(1).max(100)).default(100),
      page: limit.pipe(z.number().min(0).lt(50)).optional(),
      rate: z
        .string()
        .meta({ description: 'A share.', examples: ['0.5'] })
        .transform(Number)
        .pipe(z.number().max(1)),
      all: z
        .enum(['true', 'false'])
        .transform((text) => text === 'true')
        .pipe(z.boolean()),
      free: z.string().transform((text) => text.trim()),
      day: z.iso.date().transform((text) => new Date(text)),
    })
    const document = documentOf({ method: 'GET', url: '/items', description: { query } })
    expect(Object.fromEntries(parameters(document, '/items').map(({ name, schema }) => [name, schema]))).toEqual({
      limit: { type: 'integer', minimum: 1, maximum: 100, default: 100 },
      page: { type: 'number', minimum: 0, exclusiveMaximum: 50 },
      rate: { type: 'number', maximum: 1, description: 'A share.', examples: [0.5] },
      all: { type: 'boolean' },
      free: { type: 'string' },
      day: { type: 'string', format: 'date', pattern: expect.any(String) },
    })
    expect(statuses(document, '/items')).toContain('422')
  })

  test('have the values and bounds of a union, also beside words and null', () => {
    const number = z.string().transform(Number).pipe(z.number().min(2))
    const query = z.object({
      either: z.union([z.string(), z.number()]).transform(Number).pipe(z.number().min(2)).default(5),
      values: limit.pipe(z.union([z.literal(10), z.literal(20)])),
      word: z.union([z.literal('all'), number]).default('all'),
      nothing: number.nullable(),
      text: z.union([z.string().min(1), z.boolean()]),
      list: z
        .string()
        .transform((text) => text.split(','))
        .pipe(z.array(z.string()).min(1)),
    })
    const document = documentOf({ method: 'GET', url: '/items', description: { query } })
    expect(Object.fromEntries(parameters(document, '/items').map(({ name, schema }) => [name, schema]))).toEqual({
      either: { type: 'number', minimum: 2, default: 5 },
      values: {
        anyOf: [
          { type: 'number', const: 10 },
          { type: 'number', const: 20 },
        ],
      },
      word: {
        anyOf: [
          { type: 'string', const: 'all' },
          { type: 'number', minimum: 2 },
        ],
        default: 'all',
      },
      nothing: { anyOf: [{ type: 'number', minimum: 2 }, { type: 'null' }] },
      text: { anyOf: [{ type: 'string', minLength: 1 }, { type: 'boolean' }] },
      list: { type: 'string' },
    })
  })

  test('in a path imply a 422, which a transformation without a check does not', () => {
    const document = documentOf(
      {
        method: 'GET',
        url: '/a/:id',
        description: { params: z.object({ id: z.string().transform(Number).pipe(z.number().min(1)) }) },
      },
      {
        method: 'GET',
        url: '/b/:id',
        description: { params: z.object({ id: z.string().transform((text) => text.trim()) }) },
      },
      {
        method: 'GET',
        url: '/c/:id',
        description: {
          params: z.object({
            id: z
              .string()
              .transform((text) => text)
              .pipe(z.string().min(3)),
          }),
        },
      },
      { method: 'GET', url: '/d/:id', description: { params: type({ id: 'string.integer.parse' }) } },
    )
    expect(
      ['/a/{id}', '/b/{id}', '/c/{id}', '/d/{id}'].map((path) => statuses(document, path).includes('422')),
    ).toEqual([true, false, true, true])
  })

  test('keep the form of the sent text in a body', () => {
    const body = z.object({ n: z.string().transform(Number).pipe(z.number().min(1)), when: z.date() })
    const document = documentOf({ method: 'POST', url: '/items', description: { body } })
    const { requestBody } = document.paths['/items']?.['post'] ?? {}
    expect(requestBody).toMatchObject({
      content: { 'application/json': { schema: { properties: { n: { type: 'string' }, when: {} } } } },
    })
  })
})
