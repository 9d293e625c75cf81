import { read } from '../../errors/safe-read.ts'
import { ANYWHERE_RESPONSE } from './components.ts'
import type { OpenApiDocument } from './description.ts'
import { isObject } from './json-schema.ts'
import { pathTemplate } from './path-template.ts'

/** An error that a route really answered with: fields of the log line `http_error`. */
export interface SeenError {
  readonly method: string
  /** The route's pattern, as `/items/:id`. */
  readonly route: string
  readonly code: string
}

/** How a document and what happened fit together; each pair as `GET /items/{id} ITEM_NOT_FOUND`, sorted. */
export interface ErrorCoverage {
  /** Happened, and the document does not list it: the document is wrong. */
  readonly undeclared: readonly string[]
  /** Listed, and never happened: the tests do not reach it, or it cannot happen. What any request can meet is left out. */
  readonly unreached: readonly string[]
  /** Listed, and happened. */
  readonly reached: readonly string[]
}

/**
 * Compares the errors that a document lists with those that really happened, as a test recorded them. Fail on
 * `undeclared`; read `unreached`.
 *
 * Routes that the document leaves out as a whole are not judged: they promise nothing.
 *
 * @param document what {@link openapiDocument} gave, or the same as JSON
 * @param seen as many as there are; a pair may come often
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
  const anywhere = codesOf(document.components['responses']?.[ANYWHERE_RESPONSE])
  const listed = new Map<string, ReadonlySet<string>>()
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const responses = isObject(operation['responses']) ? Object.values(operation['responses']) : []
      listed.set(`${method.toUpperCase()} ${path}`, new Set(responses.flatMap(codesOf)))
    }
  }
  const undeclared = new Set<string>()
  const reached = new Set<string>()
  for (const { method, route, code } of seen) {
    // HEAD is answered by the route for GET.
    const place = `${method === 'HEAD' ? 'GET' : method} ${pathTemplate(route).path}`
    const codes = listed.get(place)
    if (codes === undefined) continue
    const isListed = codes.has(code) || anywhere.includes(code)
    ;(isListed ? reached : undeclared).add(`${place} ${code}`)
  }
  const all = [...listed].flatMap(([place, codes]) => [...codes].map((code) => [code, `${place} ${code}`] as const))
  const unreached = all.filter(([code, pair]) => !anywhere.includes(code) && !reached.has(pair)).map(([, pair]) => pair)
  return { undeclared: [...undeclared].sort(), unreached: unreached.sort(), reached: [...reached].sort() }
}

const PREFIX = '#/components/schemas/'

/** The codes of a Response Object, by the components that its schema leads to. */
function codesOf(response: unknown): readonly string[] {
  const schema = read(read(read(response, 'content'), 'application/json'), 'schema')
  const choices = read(schema, 'oneOf')
  if (!Array.isArray(choices)) return []
  return choices
    .map((choice) => read(choice, '$ref'))
    .filter((reference): reference is string => typeof reference === 'string' && reference.startsWith(PREFIX))
    .map((reference) => reference.slice(PREFIX.length))
}
