import type { FastifyInstance, FastifyPluginAsync, RouteOptions } from 'fastify'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys, optionalFunction } from '../../core/options/options.ts'
import { isStandardSchema } from '../../errors/standard-schema.ts'
import type {
  DocumentedRoute,
  JsonObject,
  OpenApiDocument,
  OpenApiOptions,
  RouteDescription,
} from '../openapi/description.ts'
import { checkDocumentOptions } from '../openapi/document.ts'
import { documentErrors } from '../openapi/document-errors.ts'
import { isObject } from '../openapi/json-schema.ts'
import { pathTemplate } from '../openapi/path-template.ts'
import { REGISTER_OPTIONS } from './register-options.ts'
import { inputOf } from './route.ts'

/** Options of the plugin {@link openapi}: those of `openapiDocument` without `routes`. The plugin collects the routes. */
export interface FastifyOpenApiOptions extends Omit<OpenApiOptions, 'routes'> {
  /** The path of the document. Default `/openapi.json`. */
  readonly path?: string
  /** Receives the document when all routes are declared, before the server listens. May be asynchronous. */
  readonly onDocument?: (document: OpenApiDocument) => void | PromiseLike<void>
}

/**
 * The Fastify plugin that serves an OpenAPI document of all routes declared after it.
 *
 * It needs the package `@fastify/swagger`, which collects the routes, and registers it: `app.swagger()` returns the
 * document, so `@fastify/swagger-ui` shows it. A route made by {@link route} is documented with its inputs, errors and
 * answers; any other route by Fastify's own `schema`. `schema: { hide: true }` omits a route.
 *
 * The server does not start if a route lists an error that the catalogue does not have.
 *
 * @throws ConfigurationError for an invalid option, without `@fastify/swagger`, and if it is registered already
 *
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { contractOptions, escudo, openapi, route } from 'escudo/fastify'
 * import Fastify from 'fastify'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
 * const app = Fastify(contractOptions(contract))
 * await app.register(escudo, { contract })
 * await app.register(openapi, { contract, info: { title: 'The potion shop', version: '1.0.0' } })
 * app.get('/potion', route({ errors: ['SOLD_OUT'] }, async () => 'potion'))
 * console.log((await app.inject('/openapi.json')).json().paths['/potion'].get.responses['409'])
 * ```
 */
export const openapi: FastifyPluginAsync<FastifyOpenApiOptions> = async (app, options) => {
  const { path, onDocument, document } = readOptions(options)
  if (app.hasDecorator('swagger')) {
    throw new ConfigurationError(
      'openapi',
      'expected a server without @fastify/swagger: this plugin registers it itself',
    )
  }
  let text = ''
  await app.register(await swaggerPlugin(), swaggerOptions(document))
  app.addHook('onReady', async () => {
    const made = (app as unknown as { swagger(): OpenApiDocument }).swagger()
    text = JSON.stringify(made)
    await onDocument?.(made)
  })
  serve(app, path, () => text)
}
// Fastify's convention for a plugin whose hooks apply to the registering instance instead of a separate scope.
Object.assign(openapi, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'escudo-openapi' })

interface ReadOptions {
  readonly path: string
  readonly onDocument: FastifyOpenApiOptions['onDocument']
  /** The options of `openapiDocument`. */
  readonly document: Omit<OpenApiOptions, 'routes'>
}

function readOptions(options: FastifyOpenApiOptions): ReadOptions {
  const names = ['contract', 'info', 'servers', 'security', 'tags'] as const
  knownKeys(options, 'openapi', [...names, 'path', 'onDocument', ...REGISTER_OPTIONS])
  const { path = '/openapi.json', onDocument } = options
  if (typeof path !== 'string' || !path.startsWith('/')) {
    throw new ConfigurationError('openapi.path', `expected a path that begins with '/', got ${show(path)}`)
  }
  optionalFunction(onDocument, 'openapi.onDocument')
  const given = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]])
  const document = Object.fromEntries(given) as ReadOptions['document']
  checkDocumentOptions({ ...document, routes: [] }, 'openapiDocument')
  return { path, onDocument, document }
}

async function swaggerPlugin(): Promise<FastifyPluginAsync<SwaggerOptions>> {
  try {
    const { default: swagger } = await import('@fastify/swagger')
    return swagger as unknown as FastifyPluginAsync<SwaggerOptions>
  } catch (cause) {
    throw Object.assign(
      new ConfigurationError('openapi', 'needs the package @fastify/swagger: npm install @fastify/swagger'),
      { cause },
    )
  }
}

/** What is used of the options of `@fastify/swagger`. */
interface SwaggerOptions {
  readonly openapi: JsonObject
  /** Whether `const` becomes `enum`, for OpenAPI 3.0. */
  readonly convertConstToEnum: boolean
  /** Whether the path of a server's URL is removed from the paths of routes. */
  readonly stripBasePath: boolean
  readonly transform: (route: { schema: unknown; url: string; route: RouteOptions }) => { schema: object; url: string }
  readonly transformObject: (document: { readonly openapiObject: object }) => OpenApiDocument
}

function swaggerOptions({ contract, info, servers, security = {}, tags }: ReadOptions['document']): SwaggerOptions {
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

function serve(app: FastifyInstance, path: string, text: () => string): void {
  app.get(path, { schema: { hide: true } as object }, (_request, reply) => {
    reply
      .type('application/json; charset=utf-8')
      .serializer((document: unknown) => String(document))
      .send(text())
  })
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
