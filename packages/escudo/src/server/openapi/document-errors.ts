import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import { read } from '../../errors/safe-read.ts'
import { checkContract } from '../contract-option.ts'
import type { Operation } from './collected.ts'
import { Components } from './components.ts'
import type { DocumentErrorsOptions, DocumentedRoute, JsonObject, OpenApiDocument } from './description.ts'
import { isObject } from './json-schema.ts'
import { type ListedError, listedError } from './listed-error.ts'
import { operationId, operationOf } from './operation.ts'
import { documentTemplate, type PathTemplate, pathTemplate, shapeOfPath } from './path-template.ts'
import { COMMON_ERRORS, type ErrorRules, errorNamesOf } from './route-errors.ts'
import { checkSecurity } from './security.ts'
import { isMethod, upgraded } from './upgrade.ts'

const PATH = 'documentErrors'

/**
 * Adds the errors of a contract to an OpenAPI document that another tool has made.
 *
 * Each operation lists its errors by code, with examples: those that it names in `x-errors` or that a route declares,
 * those of its security, and those implied by its inputs. There is one component per code. Errors that any request can
 * get are in `default`. Error responses that the tool has made are replaced, because every error has the contract's form;
 * one with a status that the operation does not list keeps its description.
 *
 * @param document OpenAPI 3.0 or 3.1. It is not changed
 * @returns a new document, OpenAPI 3.1
 * @throws ConfigurationError for an invalid option or document; TypeError if an operation names an unknown error or an
 * unknown security, and if a component of the document has the name of a code
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { documentErrors } from 'escudo/openapi'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const collected = {
 *   openapi: '3.0.3',
 *   info: { title: 'The potion shop', version: '1.0.0' },
 *   paths: { '/potions/{id}': { get: { 'x-errors': ['SOLD_OUT'], responses: { 200: { description: 'A potion' } } } } },
 * }
 * const document = documentErrors(collected, { contract: createErrorContract({ service: 'shop', errors: Errors }) })
 * console.log(Object.keys(document.paths['/potions/{id}']?.['get']?.['responses'] ?? {})) // 200, 409, 500, default
 * ```
 */
export function documentErrors(document: object, options: DocumentErrorsOptions): OpenApiDocument {
  knownKeys(options, PATH, ['contract', 'security', 'routes', 'parsesEveryBody'])
  const { contract, security = {}, routes = [], parsesEveryBody = true } = options
  checkContract(contract, `${PATH}.contract`)
  checkSecurity(security, PATH)
  if (!Array.isArray(routes)) throw new ConfigurationError(`${PATH}.routes`, `expected an array, got ${show(routes)}`)
  if (typeof parsesEveryBody !== 'boolean') {
    throw new ConfigurationError(`${PATH}.parsesEveryBody`, `expected true or false, got ${show(parsesEveryBody)}`)
  }
  const openapi = read(document, 'openapi')
  if (!isObject(document) || typeof openapi !== 'string' || !/^3\.[01](\.|$)/.test(openapi)) {
    throw new ConfigurationError(`${PATH}.document`, `expected OpenAPI 3.0 or 3.1, got ${show(openapi ?? document)}`)
  }
  return withErrors(document, { contract, security, routes, parsesEveryBody })
}

/** Adds errors to a document, with checked options. */
export function withErrors(
  document: JsonObject,
  { contract, security, routes, parsesEveryBody }: Required<DocumentErrorsOptions>,
): OpenApiDocument {
  const source = upgraded(document)
  const existing = isObject(source['components']) ? source['components'] : {}
  const schemes = securitySchemes(existing, security)
  const rules: ErrorRules = { security, schemes: Object.keys(schemes), parsesEveryBody }
  const components = new Components(contract.service, existing)
  const found = new Map<string, ListedError>()
  const listed = (name: string, label: string): ListedError => {
    const error = found.get(name) ?? listedError(contract, name, label)
    found.set(name, error)
    return error
  }
  const common = COMMON_ERRORS.map((name) => listed(name, 'any route'))
  const ids = new Set<string>()
  const paths: Record<string, Record<string, unknown>> = {}
  for (const { path, item } of pathsOf(source, existing, tableOf(routes))) {
    const result: Record<string, unknown> = { ...item.rest, ...paths[path] }
    for (const operation of item.operations) {
      if (result[operation.method] !== undefined) continue
      const errors = errorNamesOf(operation, rules).map((name) => listed(name, operation.label))
      const id = uniqueId(operation.collected['operationId'] ?? operationId(operation.method, path), ids)
      result[operation.method] = operationOf(operation, id, errors, common, components)
    }
    paths[path] = result
  }
  const commonResponse = components.errorResponse('Errors that any request can get, on any route.', common)
  const { info, ...rest } = source
  return {
    ...rest,
    openapi: '3.1.1',
    info: info as OpenApiDocument['info'],
    paths: paths as OpenApiDocument['paths'],
    components: {
      ...components.build(commonResponse),
      ...(Object.keys(schemes).length === 0 ? {} : { securitySchemes: schemes }),
    },
  }
}

function securitySchemes(
  { securitySchemes: existing }: JsonObject,
  security: Required<DocumentErrorsOptions>['security'],
): Readonly<Record<string, JsonObject>> {
  const known = (isObject(existing) ? existing : {}) as Readonly<Record<string, JsonObject>>
  const given = Object.entries(security).map(([name, { scheme }]) => {
    const found = scheme ?? (Object.hasOwn(known, name) ? known[name] : undefined)
    if (found === undefined) {
      throw new ConfigurationError(
        `${PATH}.security.${name}.scheme`,
        'expected a Security Scheme Object, got undefined',
      )
    }
    return [name, found] as const
  })
  return { ...known, ...Object.fromEntries(given) }
}

type Table = ReadonlyMap<string, readonly DocumentedRoute[]>

/** The routes by operation. Routes of one method and path, such as two versions, are one operation. */
function tableOf(routes: readonly DocumentedRoute[]): Table {
  const table = new Map<string, DocumentedRoute[]>()
  for (const route of routes) {
    const key = `${route.method.toLowerCase()} ${shapeOfPath(pathTemplate(route.url).path)}`
    table.set(key, [...(table.get(key) ?? []), route])
  }
  return table
}

interface Item {
  readonly operations: readonly Operation[]
  /** What the item has beside operations and parameters. */
  readonly rest: JsonObject
}

/** The paths of a document. Paths that differ only in the names of their parameters come under the first of them. */
function pathsOf(source: JsonObject, components: JsonObject, table: Table): readonly { path: string; item: Item }[] {
  const templates = new Map<string, PathTemplate>()
  const global = source['security']
  return Object.entries(source['paths'] as Readonly<Record<string, JsonObject>>).map(([key, value]) => {
    const own = documentTemplate(key)
    // OpenAPI forbids `/d/{id}` beside `/d/{name}`.
    const template = templates.get(shapeOfPath(own.path)) ?? own
    templates.set(shapeOfPath(own.path), template)
    const { parameters: shared, ...item } = value
    const methods = Object.keys(item).filter(
      (name) => isMethod(name) && isObject(item[name]) && !(name === 'head' && 'get' in item),
    )
    const operations = methods.map((method): Operation => {
      const collected = item[method] as JsonObject
      const routes = table.get(`${method} ${shapeOfPath(own.path)}`) ?? []
      const { method: name = method.toUpperCase(), url = own.path } = routes[0] ?? {}
      return {
        method,
        label: `${name.toUpperCase()} ${url}`,
        collected,
        parameters: parametersIn([shared, collected['parameters']], components),
        collectedNames: namesIn(key),
        names: template.names,
        routes,
        security: requiredSchemes(collected['security'] ?? global),
      }
    })
    const rest = Object.fromEntries(Object.entries(item).filter(([name]) => !isMethod(name)))
    return { path: template.path, item: { operations, rest } }
  })
}

/** The names of the parameters as the document has them. */
function namesIn(path: string): readonly string[] {
  return [...path.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name)
}

/** The parameters of a path and of its operation, without references. Those of the operation replace those of the path. */
function parametersIn(lists: readonly unknown[], { parameters: shared }: JsonObject): readonly JsonObject[] {
  const all = lists.flatMap((list) => (Array.isArray(list) ? list.filter(isObject) : []))
  const resolved = all.flatMap((parameter) => {
    const { $ref } = parameter
    if (typeof $ref !== 'string') return [parameter]
    const target = isObject(shared) ? shared[$ref.replace('#/components/parameters/', '')] : undefined
    return isObject(target) ? [target] : []
  })
  return [...new Map(resolved.map((parameter) => [`${parameter['in']} ${parameter['name']}`, parameter])).values()]
}

function requiredSchemes(security: unknown): readonly string[] {
  if (!Array.isArray(security)) return []
  return [...new Set(security.filter(isObject).flatMap(Object.keys))]
}

/** Makes an operation id that is unique in the document. */
function uniqueId(wanted: unknown, taken: Set<string>): string {
  let id = String(wanted)
  for (let count = 2; taken.has(id); count += 1) id = `${wanted}${count}`
  taken.add(id)
  return id
}
