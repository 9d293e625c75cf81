import { read } from '../../errors/safe-read.ts'
import { COMMON_RESPONSE } from './components.ts'
import type { OpenApiDocument } from './description.ts'
import { isObject } from './json-schema.ts'
import { pathTemplate, shapeOfPath } from './path-template.ts'
import { isMethod } from './upgrade.ts'

/** An error that a route answered with. The fields are those of an `http_error` log line. */
export interface SeenError {
  readonly method: string
  /** The route's pattern, such as `/items/:id`. */
  readonly route: string
  readonly code: string
}

/** The result of {@link errorCoverage}. Each entry has the form `GET /items/{id} ITEM_NOT_FOUND`; lists are sorted. */
export interface ErrorCoverage {
  /** Happened, but the document does not list it: the document is wrong. */
  readonly undeclared: readonly string[]
  /** Listed, but never happened: no test reaches it, or it cannot happen. Errors of any route are left out. */
  readonly unreached: readonly string[]
  /** Listed and happened. */
  readonly reached: readonly string[]
}

/**
 * Compares the errors that a document lists with those that a test run recorded.
 *
 * Let the test fail on `undeclared`, and review `unreached`. Routes that are not in the document are ignored.
 *
 * @param document the result of {@link openapiDocument} or {@link documentErrors}, also after a round trip through JSON
 * @param seen the recorded errors; repetitions are allowed
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { errorCoverage, openapiDocument } from 'escudo/openapi'
 *
 * const document = openapiDocument({
 *   contract: createErrorContract({ service: 'potion-shop', errors: defineErrors({}) }),
 *   info: { title: 'The potion shop', version: '1.0.0' },
 *   routes: [{ method: 'GET', url: '/potions/:id' }],
 * })
 * const { undeclared } = errorCoverage(document, [{ method: 'GET', route: '/potions/:id', code: 'SOLD_OUT' }])
 * console.log(undeclared) // [ 'GET /potions/{id} SOLD_OUT' ]
 * ```
 */
export function errorCoverage(document: OpenApiDocument, seen: Iterable<SeenError>): ErrorCoverage {
  const common = codesOf(document.components['responses']?.[COMMON_RESPONSE])
  const listed = new Map<string, ReadonlySet<string>>()
  // A route may name the parameters of its path otherwise than the document does.
  const paths = new Map(Object.keys(document.paths).map((path) => [shapeOfPath(path), path]))
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      if (!isMethod(method)) continue
      const responses = isObject(operation['responses']) ? Object.values(operation['responses']) : []
      listed.set(`${method.toUpperCase()} ${path}`, new Set(responses.flatMap(codesOf)))
    }
  }
  const undeclared = new Set<string>()
  const reached = new Set<string>()
  for (const { method, route, code } of seen) {
    // The route for GET answers HEAD too.
    const { path } = pathTemplate(route)
    const operation = `${method === 'HEAD' ? 'GET' : method} ${paths.get(shapeOfPath(path)) ?? path}`
    const codes = listed.get(operation)
    if (codes === undefined) continue
    const isListed = codes.has(code) || common.includes(code)
    ;(isListed ? reached : undeclared).add(`${operation} ${code}`)
  }
  const all = [...listed].flatMap(([operation, codes]) =>
    [...codes].map((code) => [code, `${operation} ${code}`] as const),
  )
  const unreached = all.filter(([code, pair]) => !common.includes(code) && !reached.has(pair)).map(([, pair]) => pair)
  return { undeclared: [...undeclared].sort(), unreached: unreached.sort(), reached: [...reached].sort() }
}

const PREFIX = '#/components/schemas/'

/** Reads the codes of a Response Object from the references in its schema. */
function codesOf(response: unknown): readonly string[] {
  const schema = read(read(read(response, 'content'), 'application/json'), 'schema')
  const choices = read(schema, 'oneOf')
  if (!Array.isArray(choices)) return []
  return choices
    .map((choice) => read(choice, '$ref'))
    .filter((reference): reference is string => typeof reference === 'string' && reference.startsWith(PREFIX))
    .map((reference) => reference.slice(PREFIX.length))
}
