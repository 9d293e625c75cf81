import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js'
import { errorCoverage, type OpenApiDocument, type SeenError } from 'escudo/openapi'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Operation, walkErrors } from '../helpers/error-walk.ts'
import { formProblem } from '../helpers/form.ts'
import { type Line, linesOf, readLog } from '../helpers/logs.ts'
import { type Answer, askPort } from '../helpers/requests.ts'
import { runningShop } from '../helpers/running-shop.ts'
import { SERVICES, type Services, services } from '../helpers/services.ts'
import { type Shop, shopOf } from '../helpers/shop.ts'
import { cleanUp } from '../helpers/system.ts'

// Compares the OpenAPI document with the running shop: the document lists exactly the errors that occur. The errors are
// read from the log of the shop.

let all: Services
let shop: Shop
let document: OpenApiDocument
let answers: readonly Answer[]
let errors: readonly Line[]
let seen: readonly SeenError[]

beforeAll(async () => {
  // The traffic fills this shop and breaks its dependencies. The pages are those of the running shop, if there is one.
  all = await services({ ESCUDO_USERS_FAIL_RATE: '0', ESCUDO_ENTRIES_MAX: '2' })
  await Promise.all(SERVICES.map(all.start))
  shop = shopOf((await runningShop()) ?? all)
  document = (await shop.ask('/openapi.json')).json as unknown as OpenApiDocument
  answers = await walkErrors(all, operationsOf(document))
  // Once the line of this last request is in the log, all earlier lines are too.
  const last = await askPort(all.ports['potion-shop'], '/nada')
  await linesOf(all, 'potion-shop', last.headers.get('x-trace-id') ?? '')
  errors = (await readLog(all, 'potion-shop')).filter(
    (line) => line['event'] === 'http_error' && line['status_code'] !== 499,
  )
  seen = errors
    .filter((line) => typeof line['route'] === 'string')
    .map((line) => ({
      method: String(line['method']),
      route: String(line['route']),
      code: String(line['error_code']),
    }))
}, 120_000)
afterAll(cleanUp)

function operationsOf({ paths }: OpenApiDocument): readonly Operation[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{\w+\}/g, 'nada'),
    })),
  )
}

test('docs: the document is valid OpenAPI 3.1, and every reference resolves', async () => {
  const { valid, errors } = await new Validator().validate({ ...structuredClone(document) })
  expect([valid, errors]).toEqual([true, undefined])
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, pointer]) => pointer)
  expect(references.length).toBeGreaterThan(100)
  const broken = new Set(references.filter((pointer) => at(document, String(pointer)) === undefined))
  expect([...broken]).toEqual([])
})

test('docs: no route answers with a code that it does not list', () => {
  expect(errorCoverage(document, seen).undeclared).toEqual([])
})

test('docs: every code that a route lists occurred; codes common to all routes are exempt', () => {
  const { unreached, reached } = errorCoverage(document, seen)
  // The shop has no two shields of one name. The tests of the admin routes have.
  expect(unreached.filter((pair) => !pair.endsWith(' SHIELD_AMBIGUOUS'))).toEqual([])
  expect(reached.length).toBeGreaterThan(60)
})

test('docs: detects every code that is removed from its route', () => {
  const { reached } = errorCoverage(document, seen)
  const anywhere = JSON.stringify(document.components['responses'])
  const ownCodes = reached.filter((pair) => !anywhere.includes(`/${pair.split(' ')[2]}"`))
  expect(ownCodes.length).toBeGreaterThan(50)
  for (const pair of ownCodes) expect(errorCoverage(without(pair), seen).undeclared).toEqual([pair])
})

test('docs: every sent error matches the schema of its route and status', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false })
  ajv.addSchema(document as object, 'document')
  const byTrace = new Map(errors.map((line) => [line['trace_id'], line]))
  const invalid: string[] = []
  let validCount = 0
  for (const { headers, status, text, json } of answers) {
    const line = byTrace.get(headers.get('x-trace-id') ?? '')
    if (line === undefined || typeof line['route'] !== 'string' || text === '') continue
    const path = line['route'].replaceAll(/:(\w+)/g, '{$1}').replaceAll('/', '~1')
    const responses = `#/paths/${path}/${String(line['method']).toLowerCase()}/responses`
    const own = `${responses}/${status}`
    const pointer = at(document, own) === undefined ? '#/components/responses/Anywhere' : own
    const validate = ajv.compile({ $ref: `document${encodeURI(pointer)}/content/application~1json/schema` })
    if (validate(json)) validCount += 1
    else invalid.push(`${line['method']} ${line['route']} ${text} ${ajv.errorsText(validate.errors)}`)
  }
  expect(invalid).toEqual([])
  expect(validCount).toBeGreaterThan(200)
})

test('docs: every example matches its schema in both languages and has a complete message', () => {
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

test('docs: the page uses no other host and no inline script, and all its files exist', async () => {
  const page = await shop.ask('/docs')
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  const policy = page.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';")
  expect(policy).not.toMatch(/https?:|unsafe|\*/)
  expect(page.text).not.toMatch(/<script(?![^>]*\ssrc=)|\son\w+=|https?:\/\//)
  const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => String(path))
  expect(parts.length).toBeGreaterThan(5)
  for (const path of parts) expect((await shop.ask(path)).status, path).toBe(200)
  expect((await shop.ask('/docs/json')).json).toEqual(document)
  const missing = await shop.ask('/docs/static/nada.js')
  expect([missing.status, missing.json.error_code]).toEqual([404, 'ROUTE_NOT_FOUND'])
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
] as const)('docs: a hostile request for %s is a client error', async (path, headers, status) => {
  const answer = await shop.ask(path, { headers })
  expect([answer.status, formProblem(answer)]).toEqual([status, undefined])
})

/** Returns the document with one code removed from one route, as if its author had forgotten it. */
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
