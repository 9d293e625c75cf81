import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import { checkContract } from '../contract-option.ts'
import type { JsonObject, OpenApiDocument, OpenApiOptions } from './description.ts'
import { withErrors } from './document-errors.ts'
import { isDocumented } from './operation.ts'
import { pathTemplate } from './path-template.ts'
import { checkSecurity } from './security.ts'

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
  checkDocumentOptions(options, PATH)
  const { contract, info, routes: given, servers, security = {}, tags } = options
  const routes = given.filter(isDocumented)
  const paths: Record<string, Record<string, JsonObject>> = {}
  for (const { method, url } of routes) {
    const { path } = pathTemplate(url)
    paths[path] = { ...paths[path], [method.toLowerCase()]: {} }
  }
  const collected = {
    openapi: '3.1.1',
    info,
    ...(servers === undefined ? {} : { servers }),
    ...(tags === undefined ? {} : { tags }),
    paths,
  }
  return withErrors(collected, { contract, security, routes, parsesEveryBody: true })
}

const PATH = 'openapiDocument'

/**
 * Checks the options of a document.
 *
 * @param path the name of the function, for messages
 * @throws ConfigurationError for an invalid or unknown option
 */
export function checkDocumentOptions(options: OpenApiOptions, path: string): void {
  knownKeys(options, path, ['contract', 'info', 'routes', 'servers', 'security', 'tags'])
  const { contract, info, routes, servers, security = {}, tags } = options
  checkContract(contract, `${path}.contract`)
  if (typeof info?.title !== 'string' || typeof info.version !== 'string') {
    throw new ConfigurationError(`${path}.info`, 'expected a title and a version')
  }
  for (const [name, list] of Object.entries({ routes, servers: servers ?? [], tags: tags ?? [] })) {
    if (!Array.isArray(list)) throw new ConfigurationError(`${path}.${name}`, `expected an array, got ${show(list)}`)
  }
  checkSecurity(security, path)
}
