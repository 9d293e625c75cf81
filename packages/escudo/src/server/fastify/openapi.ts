import type { FastifyInstance, FastifyPluginAsync, RouteOptions } from 'fastify'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys, optionalFunction } from '../../core/options/options.ts'
import type {
  AnySchema,
  DocumentedRoute,
  OpenApiDocument,
  OpenApiOptions,
  RouteDescription,
} from '../openapi/description.ts'
import { openapiDocument } from '../openapi/document.ts'
import { isObject } from '../openapi/json-schema.ts'
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
 * A route made by {@link route} is documented with its inputs, errors and answers; any other route by Fastify's own
 * `schema`. `schema: { hide: true }` omits a route.
 *
 * The server does not start if a route lists an error that the catalogue does not have.
 *
 * @throws ConfigurationError for an invalid option
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
  const routes: DocumentedRoute[] = []
  let text = ''
  app.addHook('onRoute', (declared) => {
    routes.push(...documented(declared))
  })
  app.addHook('onReady', async () => {
    const made = openapiDocument({ ...document, routes })
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
  return { path, onDocument, document: Object.fromEntries(given) as ReadOptions['document'] }
}

function serve(app: FastifyInstance, path: string, text: () => string): void {
  app.get(path, { schema: { hide: true } as object }, (_request, reply) => {
    reply
      .type('application/json; charset=utf-8')
      .serializer((document: unknown) => String(document))
      .send(text())
  })
}

/** Describes a declared route, once for each of its methods. */
function documented({ method, url, config, schema }: RouteOptions): readonly DocumentedRoute[] {
  if (isObject(schema) && schema['hide'] === true) return []
  const description = inputOf(config) ?? descriptionOf(schema)
  return [method].flat().map((name) => ({ method: name, url, description }))
}

/** Describes a route by Fastify's own `schema`. */
function descriptionOf(schema: unknown): RouteDescription {
  if (!isObject(schema)) return {}
  const { body, params, querystring, query = querystring, headers, summary, tags, response } = schema
  return {
    body: schemaOrUndefined(body),
    params: schemaOrUndefined(params),
    query: schemaOrUndefined(query),
    headers: schemaOrUndefined(headers),
    response: successesOf(response),
    summary: typeof summary === 'string' ? summary : undefined,
    tags: Array.isArray(tags) ? tags.map(String) : undefined,
  }
}

function schemaOrUndefined(value: unknown): AnySchema | undefined {
  return isObject(value) ? value : undefined
}

/** The schemas of the 2xx answers. Those of errors are ignored: errors always have the contract's form. */
function successesOf(response: unknown): Readonly<Record<number, AnySchema>> | undefined {
  if (!isObject(response)) return undefined
  const found = Object.entries(response).flatMap(([status, schema]): [number, AnySchema][] =>
    /^2\d\d$/.test(status) && isObject(schema) ? [[Number(status), schema]] : [],
  )
  return found.length === 0 ? undefined : Object.fromEntries(found)
}
