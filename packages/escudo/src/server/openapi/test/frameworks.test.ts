import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { errorCoverage, type OpenApiDocument, openapiDocument } from '../../openapi.ts'
import { ROUTES, SERVED, shared } from './small-service.ts'

/** The statuses and responses of errors, for each operation. */
function errorParts({ paths }: OpenApiDocument): object {
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { responses }]) => {
      const errors = Object.entries(responses as object).filter(([status]) => /^[45d]/.test(status))
      return [`${method} ${path}`, Object.fromEntries(errors)] as const
    }),
  )
  return Object.fromEntries(operations)
}

/** The inputs of each operation, in the form that all frameworks share. */
function inputs({ paths }: OpenApiDocument, path: string, method: string): object {
  const { parameters, requestBody, security, summary } = paths[path]?.[method] ?? {}
  return { parameters, requestBody, security, summary }
}

const expected = openapiDocument({ ...shared, routes: ROUTES })

describe.each(Object.keys(SERVED))('the document of %s', (framework) => {
  it('has the errors, inputs and components of the same routes on any framework', async () => {
    const document = (await SERVED[framework]?.()) as OpenApiDocument
    expect(errorParts(document)).toEqual(errorParts(expected))
    for (const section of ['examples', 'headers', 'responses', 'securitySchemes'] as const) {
      expect(document.components[section], section).toEqual(expected.components[section])
    }
    expect(document.components['schemas']).toEqual(expected.components['schemas'])
    for (const { method, url } of ROUTES) {
      const path = url.replace(':id', '{id}')
      expect(inputs(document, path, method.toLowerCase()), path).toEqual(inputs(expected, path, method.toLowerCase()))
    }
  })

  it('is valid OpenAPI 3.1, and every reference resolves', async () => {
    const document = (await SERVED[framework]?.()) as OpenApiDocument
    const { valid, errors } = await new Validator().validate(structuredClone(document) as never)
    expect([valid, errors]).toEqual([true, undefined])
    expect(document.openapi).toBe('3.1.1')
    expect(JSON.stringify(document)).not.toContain('x-e')
    for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/([^"]+)"/g)) {
      const [section = '', key = ''] = String(name).split('/')
      expect(document.components[section], name).toHaveProperty([key])
    }
  })

  it('can be compared with the errors that happened', async () => {
    const document = (await SERVED[framework]?.()) as OpenApiDocument
    const at = (code: string) => ({ method: 'GET', route: '/items/:id', code })
    const { undeclared, reached } = errorCoverage(document, [at('ITEM_NOT_FOUND'), at('SOLD_OUT')])
    expect([undeclared, reached]).toEqual([['GET /items/{id} SOLD_OUT'], ['GET /items/{id} ITEM_NOT_FOUND']])
  })
})
