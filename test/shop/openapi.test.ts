import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js'
import { errorCoverage, type OpenApiDocument, type SeenError } from 'escudo/openapi'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Place, walkErrors } from './helpers/error-walk.ts'
import { formProblem } from './helpers/form.ts'
import { endAll } from './helpers/processes.ts'
import { type Answer, askPort } from './helpers/requests.ts'
import { type Services, services } from './helpers/services.ts'
import type { Line } from './helpers/system.ts'

// The document and the shop side by side: what it lists is what happens. Everything that happens is read from the
// shop's own log.

let all: Services
let document: OpenApiDocument
let answers: readonly Answer[]
let errors: readonly Line[]
let seen: readonly SeenError[]

beforeAll(async () => {
  all = await services({ ESCUDO_USERS_FAIL_RATE: '0', ESCUDO_ENTRIES_MAX: '2' })
  for (const service of ['flaky', 'product', 'inventory', 'shop'] as const) await all.start(service)
  document = (await askPort(all.ports.shop, '/openapi.json')).json as unknown as OpenApiDocument
  answers = await walkErrors(all, placesOf(document))
  // The last line of all: with it in the file, those before it are there.
  const last = await askPort(all.ports.shop, '/nada')
  await all.trace(last.headers.get('x-trace-id') ?? '')
  errors = (await all.log('shop')).filter((line) => line['event'] === 'http_error' && line['status_code'] !== 499)
  seen = errors
    .filter((line) => typeof line['route'] === 'string')
    .map((line) => ({
      method: String(line['method']),
      route: String(line['route']),
      code: String(line['error_code']),
    }))
}, 120_000)
afterAll(async () => {
  await endAll()
  await all.remove()
})

function placesOf({ paths }: OpenApiDocument): readonly Place[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{\w+\}/g, 'nada'),
    })),
  )
}

test('docs: the document is valid OpenAPI 3.1, and every reference in it leads somewhere', async () => {
  const { valid, errors } = await new Validator().validate({ ...structuredClone(document) })
  expect([valid, errors]).toEqual([true, undefined])
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, pointer]) => pointer)
  expect(references.length).toBeGreaterThan(100)
  const lost = new Set(references.filter((pointer) => at(document, String(pointer)) === undefined))
  expect([...lost]).toEqual([])
})

test('docs: no route answers with a code that it does not list', () => {
  expect(errorCoverage(document, seen).undeclared).toEqual([])
})

test('docs: every code that a route lists was provoked; what any request can meet is no promise of a route', () => {
  const { unreached, reached } = errorCoverage(document, seen)
  expect(unreached).toEqual([])
  expect(reached.length).toBeGreaterThan(60)
})

test('docs: whichever listed code is taken away from its route, it is found to be missing', () => {
  const { reached } = errorCoverage(document, seen)
  const anywhere = JSON.stringify(document.components['responses'])
  const promises = reached.filter((pair) => !anywhere.includes(`/${pair.split(' ')[2]}"`))
  expect(promises.length).toBeGreaterThan(50)
  for (const pair of promises) expect(errorCoverage(without(pair), seen).undeclared).toEqual([pair])
})

test('docs: every error that was sent fits the schema that the document gives for its route and status', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false })
  ajv.addSchema(document as object, 'document')
  const byTrace = new Map(errors.map((line) => [line['trace_id'], line]))
  const misfits: string[] = []
  let fitted = 0
  for (const { headers, status, text, json } of answers) {
    const line = byTrace.get(headers.get('x-trace-id') ?? '')
    if (line === undefined || typeof line['route'] !== 'string' || text === '') continue
    const path = line['route'].replaceAll(/:(\w+)/g, '{$1}').replaceAll('/', '~1')
    const responses = `#/paths/${path}/${String(line['method']).toLowerCase()}/responses`
    const own = `${responses}/${status}`
    const pointer = at(document, own) === undefined ? '#/components/responses/Anywhere' : own
    const validate = ajv.compile({ $ref: `document${encodeURI(pointer)}/content/application~1json/schema` })
    if (validate(json)) fitted += 1
    else misfits.push(`${line['method']} ${line['route']} ${text} ${ajv.errorsText(validate.errors)}`)
  }
  expect(misfits).toEqual([])
  expect(fitted).toBeGreaterThan(200)
})

test('docs: every example fits its schema, in Spanish and in English, with nothing left open in its message', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false })
  ajv.addSchema(document as object, 'document')
  const examples = Object.entries(document.components['examples'] ?? {})
  for (const [name, { value }] of examples) {
    const { error_code, message } = value as { error_code: string; message: string }
    expect(ajv.validate({ $ref: `document#/components/schemas/${error_code}` }, value), name).toBe(true)
    expect(message, name).not.toContain('?')
  }
  const names = examples.map(([name]) => name)
  expect(names.filter((name) => name.endsWith('.es')).map((name) => name.replace(/es$/, 'en'))).toEqual(
    names.filter((name) => name.endsWith('.en')),
  )
})

test('docs: the page stands alone: nothing of another host, no script within it, and all that it names is there', async () => {
  const page = await askPort(all.ports.shop, '/docs')
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  const policy = page.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';")
  expect(policy).not.toMatch(/https?:|unsafe|\*/)
  expect(page.text).not.toMatch(/<script(?![^>]*\ssrc=)|\son\w+=|https?:\/\//)
  const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => String(path))
  expect(parts.length).toBeGreaterThan(5)
  for (const path of parts) expect((await askPort(all.ports.shop, path)).status, path).toBe(200)
  expect((await askPort(all.ports.shop, '/docs/json')).json).toEqual(document)
  const lost = await askPort(all.ports.shop, '/docs/static/nada.js')
  expect([lost.status, lost.json.error_code]).toEqual([404, 'ROUTE_NOT_FOUND'])
})

test.each([
  ['/docs/static/%00', {}, 404],
  ['/docs/static/%2e%2e/package.json', {}, 404],
  ['/docs/static/..%2f..%2fpackage.json', {}, 404],
  ['/docs/static/%5c..%5cpackage.json', {}, 404],
  ['/docs/static/%zz', {}, 400],
  ['/docs/static/swagger-ui.css', { 'if-match': '"x"' }, 412],
  ['/docs/static/swagger-ui.css', { range: 'bytes=999999999-' }, 416],
  ['/docs/nada', {}, 404],
] as const)('docs: %s, hostile as it is, is the fault of the client', async (path, headers, status) => {
  const answer = await askPort(all.ports.shop, path, { headers })
  expect([answer.status, formProblem(answer)]).toEqual([status, undefined])
})

/** The document with one code taken from one route, as if its author had forgotten it. */
function without(pair: string): OpenApiDocument {
  const [method = '', path = '', code] = pair.split(' ')
  const copy = structuredClone(document) as unknown as {
    paths: Record<string, Record<string, { responses: Record<string, Response> }>>
  }
  for (const { content } of Object.values(copy.paths[path]?.[method.toLowerCase()]?.responses ?? {})) {
    const schema = content?.['application/json']?.schema
    if (schema?.oneOf !== undefined) schema.oneOf = schema.oneOf.filter(({ $ref }) => !$ref.endsWith(`/${code}`))
  }
  return copy as unknown as OpenApiDocument
}

interface Response {
  readonly content?: Readonly<Record<string, { schema?: { oneOf?: readonly { $ref: string }[] } }>>
}

function at(root: unknown, pointer: string): unknown {
  const keys = pointer.split('/').slice(1)
  return keys.reduce<unknown>((value, key) => {
    const name = key.replaceAll('~1', '/').replaceAll('~0', '~')
    return (value as Readonly<Record<string, unknown>> | undefined)?.[name]
  }, root)
}
