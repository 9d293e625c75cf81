import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import { checkContract } from '../contract-option.ts'
import { Components } from './components.ts'
import type { DocumentedRoute, JsonObject, OpenApiDocument, OpenApiOptions } from './description.ts'
import { type ListedError, listedError } from './listed-error.ts'
import { isDocumented, mergeRoutes, operationId, operationOf } from './operation.ts'
import { pathTemplate } from './path-template.ts'
import { COMMON_ERRORS, errorNamesOf } from './route-errors.ts'

/**
 * Makes the OpenAPI 3.1 document of a service, with the errors of every route.
 *
 * A route lists its errors by code: those it declares, those of its security, and those implied by its inputs. Codes,
 * schemas, statuses and messages come from the catalogue. Each example is a real answer of the contract, in every
 * language that the message has.
 *
 * There is one component per code, with `error_code` as a constant. Errors that any request can get are listed in
 * `default`. Example contexts take their values from the schemas (`examples`, constants, defaults), else they are
 * generated.
 *
 * @throws ConfigurationError for an invalid option; TypeError if a route names an unknown error or an unknown security,
 * with the route in the message
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
  const { contract, info, servers, security = {}, tags } = validated(options)
  const components = new Components(contract.service)
  const found = new Map<string, ListedError>()
  const listed = (name: string, route: string): ListedError => {
    const error = found.get(name) ?? listedError(contract, name, route)
    found.set(name, error)
    return error
  }
  const common = COMMON_ERRORS.map((name) => listed(name, 'any route'))
  const ids = new Set<string>()
  const paths: Record<string, Record<string, JsonObject>> = {}
  for (const route of mergeDuplicates(options.routes)) {
    const names = errorNamesOf(route, { security })
    const errors = names.map((name) => listed(name, `${route.method} ${route.url}`))
    const { path } = pathTemplate(route.url)
    const operation = operationOf(route, uniqueId(route, ids), errors, common, components)
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation }
  }
  const commonResponse = components.errorResponse('Errors that any request can get, on any route.', common)
  const schemes = Object.fromEntries(Object.entries(security).map(([name, { scheme }]) => [name, scheme]))
  return {
    openapi: '3.1.1',
    info,
    ...(servers === undefined ? {} : { servers }),
    ...(tags === undefined ? {} : { tags }),
    paths,
    components: {
      ...components.build(commonResponse),
      ...(Object.keys(schemes).length === 0 ? {} : { securitySchemes: schemes }),
    },
  }
}

function mergeDuplicates(routes: readonly DocumentedRoute[]): readonly DocumentedRoute[] {
  const byOperation = new Map<string, DocumentedRoute>()
  for (const route of routes.filter(isDocumented)) {
    const operation = `${route.method.toLowerCase()} ${pathTemplate(route.url).path}`
    const earlier = byOperation.get(operation)
    byOperation.set(operation, earlier === undefined ? route : mergeRoutes(earlier, route))
  }
  return [...byOperation.values()]
}

/** Makes an operation id that is unique in the document. */
function uniqueId(route: DocumentedRoute, taken: Set<string>): string {
  const wanted = operationId(route)
  let id = wanted
  for (let count = 2; taken.has(id); count += 1) id = `${wanted}${count}`
  taken.add(id)
  return id
}

const PATH = 'openapiDocument'

function validated(options: OpenApiOptions): OpenApiOptions {
  knownKeys(options, PATH, ['contract', 'info', 'routes', 'servers', 'security', 'tags'])
  const { contract, info, routes, servers, security = {}, tags } = options
  checkContract(contract, `${PATH}.contract`)
  if (typeof info?.title !== 'string' || typeof info.version !== 'string') {
    throw new ConfigurationError(`${PATH}.info`, 'expected a title and a version')
  }
  for (const [name, list] of Object.entries({ routes, servers: servers ?? [], tags: tags ?? [] })) {
    if (!Array.isArray(list)) throw new ConfigurationError(`${PATH}.${name}`, `expected an array, got ${show(list)}`)
  }
  if (typeof security !== 'object' || Array.isArray(security)) {
    throw new ConfigurationError(`${PATH}.security`, `expected an object, got ${show(security)}`)
  }
  for (const [name, scheme] of Object.entries(security)) {
    const path = `${PATH}.security.${name}`
    knownKeys(scheme, path, ['scheme', 'errors'])
    if (typeof scheme.scheme !== 'object') {
      throw new ConfigurationError(`${path}.scheme`, `expected a Security Scheme Object, got ${show(scheme.scheme)}`)
    }
    if (!Array.isArray(scheme.errors)) {
      throw new ConfigurationError(`${path}.errors`, `expected an array of codes, got ${show(scheme.errors)}`)
    }
  }
  return options
}
