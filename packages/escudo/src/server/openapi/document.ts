import { ANYWHERE, namesOf } from './codes-of-route.ts'
import { Components } from './components.ts'
import type { DocumentedRoute, JsonObject, OpenApiDocument, OpenApiOptions } from './description.ts'
import { type ListedError, listedError } from './listed-error.ts'
import { isDocumented, merged, operationId, operationOf } from './operation.ts'
import { pathTemplate } from './path-template.ts'

/**
 * The OpenAPI 3.1 document of a service. Every route lists the errors that it can answer with, by code: those that it
 * names, those of its security, and those that follow from what it takes. Codes, schemas, statuses and messages come
 * from the catalogue, and each example is an answer of the contract itself, in every language that it has.
 *
 * One component stands for each code, with `error_code` as a constant; what any request can meet stands in `default`.
 * Contexts are shown by values that their schemas bring along (`examples`, constants, defaults), or by made-up ones.
 *
 * @throws TypeError when a route names an error or a security that there is not; the message names the route
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { openapiDocument } from 'escudo/openapi'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: { es: 'Agotado.', en: 'Sold out.' } } })
 * const document = openapiDocument({
 *   contract: createErrorContract({ service: 'potion-shop', errors: Errors }),
 *   info: { title: 'The potion shop', version: '1.0.0' },
 *   routes: [{ method: 'GET', url: '/potions/:id', description: { errors: ['SOLD_OUT'] } }],
 * })
 * console.log(Object.keys(document.paths['/potions/{id}']?.['get']?.['responses'] ?? {})) // 409, 500, 2XX, default
 * ```
 */
export function openapiDocument(options: OpenApiOptions): OpenApiDocument {
  const { contract, info, servers, security = {}, tags } = check(options)
  const components = new Components(contract.service)
  const found = new Map<string, ListedError>()
  const listed = (name: string, route: string): ListedError => {
    const error = found.get(name) ?? listedError(contract, name, route)
    found.set(name, error)
    return error
  }
  const anywhere = ANYWHERE.map((name) => listed(name, 'any route'))
  const ids = new Set<string>()
  const paths: Record<string, Record<string, JsonObject>> = {}
  for (const route of unique(options.routes)) {
    const names = namesOf(route, { security })
    const errors = names.map((name) => listed(name, `${route.method} ${route.url}`))
    const { path } = pathTemplate(route.url)
    const operation = operationOf(route, freeId(route, ids), errors, anywhere, components)
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation }
  }
  const ofAny = components.errorResponse('What any request can meet, whatever its route.', anywhere)
  const schemes = Object.fromEntries(Object.entries(security).map(([name, { scheme }]) => [name, scheme]))
  return {
    openapi: '3.1.1',
    info,
    ...(servers === undefined ? {} : { servers }),
    ...(tags === undefined ? {} : { tags }),
    paths,
    components: {
      ...components.all(ofAny),
      ...(Object.keys(schemes).length === 0 ? {} : { securitySchemes: schemes }),
    },
  }
}

function unique(routes: readonly DocumentedRoute[]): readonly DocumentedRoute[] {
  const byPlace = new Map<string, DocumentedRoute>()
  for (const route of routes.filter(isDocumented)) {
    const place = `${route.method.toLowerCase()} ${pathTemplate(route.url).path}`
    const before = byPlace.get(place)
    byPlace.set(place, before === undefined ? route : merged(before, route))
  }
  return [...byPlace.values()]
}

/** An id that no other operation of the document has. */
function freeId(route: DocumentedRoute, taken: Set<string>): string {
  const wanted = operationId(route)
  let id = wanted
  for (let count = 2; taken.has(id); count += 1) id = `${wanted}${count}`
  taken.add(id)
  return id
}

function check(options: OpenApiOptions): OpenApiOptions {
  if (typeof options?.contract?.translate !== 'function') {
    throw new TypeError('openapiDocument.contract: expected what createErrorContract returned')
  }
  const { info, routes } = options
  if (typeof info?.title !== 'string' || typeof info.version !== 'string') {
    throw new TypeError('openapiDocument.info: expected a title and a version')
  }
  if (!Array.isArray(routes)) throw new TypeError('openapiDocument.routes: expected a list')
  return options
}
