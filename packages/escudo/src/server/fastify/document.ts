import type { RouteOptions } from 'fastify'
import { isStandardSchema } from '../../errors/standard-schema.ts'
import type {
  DocumentedRoute,
  JsonObject,
  OpenApiDocument,
  OpenApiOptions,
  RouteDescription,
} from '../openapi/description.ts'
import { documentErrors } from '../openapi/document-errors.ts'
import { isObject } from '../openapi/json-schema.ts'
import { pathTemplate } from '../openapi/path-template.ts'

export { checkDocumentOptions } from '../openapi/document.ts'

/** What is used of the options of `@fastify/swagger`. */
export interface SwaggerOptions {
  readonly openapi: JsonObject
  /** Whether `const` becomes `enum`, for OpenAPI 3.0. */
  readonly convertConstToEnum: boolean
  /** Whether the path of a server's URL is removed from the paths of routes. */
  readonly stripBasePath: boolean
  readonly transform: (route: { schema: unknown; url: string; route: RouteOptions }) => { schema: object; url: string }
  readonly transformObject: (document: { readonly openapiObject: object }) => OpenApiDocument
}

/** Makes the options with which the plugin collects the routes, and adds their errors. */
export function swaggerOptions(
  { contract, info, servers, security = {}, tags }: Omit<OpenApiOptions, 'routes'>,
  inputOf: (config: unknown) => RouteDescription | undefined,
): SwaggerOptions {
  const routes: DocumentedRoute[] = []
  const schemes = Object.entries(security).map(([name, { scheme }]) => [name, scheme])
  return {
    openapi: {
      openapi: '3.1.1',
      info,
      ...(servers === undefined ? {} : { servers }),
      ...(tags === undefined ? {} : { tags }),
      ...(schemes.length === 0 ? {} : { components: { securitySchemes: Object.fromEntries(schemes) } }),
    },
    convertConstToEnum: false,
    stripBasePath: false,
    transform: ({ schema, url, route: { method, config } }) => {
      const { collected, description } = partsOf(schema, inputOf(config))
      for (const name of [method].flat()) routes.push({ method: name, url, description })
      checkSchemes(collected['security'], security, `${[method].flat()[0]} ${url}`)
      // A colon would begin a parameter.
      return { schema: collected, url: pathTemplate(url).path.replaceAll(':', '::') }
    },
    transformObject: ({ openapiObject }) => documentErrors(openapiObject, { contract, security, routes }),
  }
}

/**
 * Separates what `@fastify/swagger` can read from what it cannot.
 *
 * The schemas of {@link route}, and any Standard Schema, become a description: the plugin would lose parts of them.
 */
function partsOf(
  schema: unknown,
  input: RouteDescription | undefined,
): { readonly collected: JsonObject; readonly description: RouteDescription } {
  const {
    body,
    params,
    querystring,
    query = querystring,
    headers,
    response,
    ...others
  } = isObject(schema) ? schema : {}
  const statuses = Object.entries(isObject(response) ? response : {})
  const standard = statuses.filter(([status, value]) => /^[23]\d\d$/.test(status) && isStandardSchema(value))
  const json = Object.fromEntries(statuses.filter(([, value]) => isObject(value) && !isStandardSchema(value)))
  const hasSuccess = Object.keys(json).some((status) => /^[23]/.test(status))
  const collected: Record<string, unknown> = {
    ...others,
    response: hasSuccess ? json : { ...json, '2xx': { type: 'null', description: 'Success.' } },
  }
  const description: Record<string, unknown> = {
    ...(standard.length === 0 ? {} : { response: Object.fromEntries(standard) }),
  }
  for (const [name, key, value] of [
    ['body', 'body', body],
    ['params', 'params', params],
    ['querystring', 'query', query],
    ['headers', 'headers', headers],
  ] as const) {
    if (isStandardSchema(value)) description[key] = value
    else if (isObject(value)) collected[name] = value
  }
  const declared = Object.entries(input ?? {}).filter(([, value]) => value !== undefined)
  return { collected, description: { ...description, ...Object.fromEntries(declared) } }
}

/** The plugin reads the scheme of each name that a schema requires. */
function checkSchemes(required: unknown, security: object, label: string): void {
  const names = Array.isArray(required) ? required.filter(isObject).flatMap(Object.keys) : []
  const unknown = names.find((name) => !Object.hasOwn(security, name))
  if (unknown === undefined) return
  const known = Object.keys(security).join(', ') || 'none'
  throw new TypeError(`${label} names the security ${JSON.stringify(unknown)}; known: ${known}`)
}
