import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import { checkContract } from '../contract-option.ts'
import { Components } from './components.ts'
import type { DocumentedRoute, JsonObject, OpenApiDocument, OpenApiOptions } from './description.ts'
import { type ListedError, listedError } from './listed-error.ts'
import { isDocumented, operationId, operationOf } from './operation.ts'
import { type PathTemplate, pathTemplate, shapeOfPath } from './path-template.ts'
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
  // The first route names the parameters of a path. OpenAPI forbids `/d/{id}` beside `/d/{name}`.
  const templates = new Map<string, PathTemplate>()
  for (const routes of sameOperations(options.routes)) {
    const [route] = routes
    const names = new Set(routes.flatMap((same) => errorNamesOf(same, { security })))
    const errors = [...names].map((name) => listed(name, `${route.method} ${route.url}`))
    const own = pathTemplate(route.url)
    const template = templates.get(shapeOfPath(own.path)) ?? own
    templates.set(shapeOfPath(own.path), template)
    const described = routes.find(({ description }) => description !== undefined) ?? route
    const id = uniqueId(route, ids)
    const operation = operationOf(described, id, template.names, errors, common, components)
    paths[template.path] = { ...paths[template.path], [route.method.toLowerCase()]: operation }
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

/** Groups routes of the same method and path, such as two versions. An operation lists the errors of its whole group. */
function sameOperations(
  routes: readonly DocumentedRoute[],
): readonly (readonly [DocumentedRoute, ...DocumentedRoute[]])[] {
  const groups = new Map<string, [DocumentedRoute, ...DocumentedRoute[]]>()
  for (const route of routes.filter(isDocumented)) {
    const operation = `${route.method.toLowerCase()} ${shapeOfPath(pathTemplate(route.url).path)}`
    const group = groups.get(operation)
    if (group === undefined) groups.set(operation, [route])
    else group.push(route)
  }
  return [...groups.values()]
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
