import type { FastifyInstance, FastifyPluginAsync, RouteOptions } from 'fastify'
import type {
  AnySchema,
  DocumentedRoute,
  OpenApiDocument,
  OpenApiOptions,
  RouteDescription,
} from '../openapi/description.ts'
import { openapiDocument } from '../openapi/document.ts'
import { isObject } from '../openapi/json-schema.ts'
import { inputOf } from './route.ts'

/** Options of the plugin {@link openapi}: those of `openapiDocument`, without the routes, which it collects itself. */
export interface FastifyOpenApiOptions extends Omit<OpenApiOptions, 'routes'> {
  /** Where the document is served. Default `/openapi.json`. */
  readonly path?: string
  /** Gets the document as soon as all routes are there, before the server listens. */
  readonly onDocument?: (document: OpenApiDocument) => void
}

/**
 * The Fastify plugin that writes the OpenAPI document of all routes that are declared after it, and serves it. Routes of
 * {@link route} are told of with their inputs, errors and answers, others with what Fastify's own `schema` says of them;
 * `schema: { hide: true }` leaves one out.
 *
 * A route that lists an error which the catalogue lacks keeps the server from starting.
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
  const { path = '/openapi.json', onDocument, ...rest } = options
  const routes: DocumentedRoute[] = []
  let text = ''
  app.addHook('onRoute', (declared) => {
    routes.push(...documented(declared))
  })
  app.addHook('onReady', async () => {
    const document = openapiDocument({ ...rest, routes })
    text = JSON.stringify(document)
    onDocument?.(document)
  })
  serve(app, path, () => text)
}
// Fastify's own convention for a plugin that acts on whoever registers it, instead of on a scope of its own.
Object.assign(openapi, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'escudo-openapi' })

function serve(app: FastifyInstance, path: string, text: () => string): void {
  app.get(path, { schema: { hide: true } as object }, (_request, reply) => {
    reply
      .type('application/json; charset=utf-8')
      .serializer((one: unknown) => String(one))
      .send(text())
  })
}

/** A route as it was declared: one for each of its methods. */
function documented({ method, url, config, schema }: RouteOptions): readonly DocumentedRoute[] {
  if (isObject(schema) && schema['hide'] === true) return []
  const description = inputOf(config) ?? ofFastify(schema)
  return [method].flat().map((one) => ({ method: one, url, description }))
}

/** What Fastify's own `schema` says of a route. */
function ofFastify(schema: unknown): RouteDescription {
  if (!isObject(schema)) return {}
  const { body, params, querystring, query = querystring, headers, summary, tags, response } = schema
  return {
    body: schemaOrNothing(body),
    params: schemaOrNothing(params),
    query: schemaOrNothing(query),
    headers: schemaOrNothing(headers),
    response: successesOf(response),
    summary: typeof summary === 'string' ? summary : undefined,
    tags: Array.isArray(tags) ? tags.map(String) : undefined,
  }
}

function schemaOrNothing(value: unknown): AnySchema | undefined {
  return isObject(value) ? value : undefined
}

/** Errors have the contract's own form, whatever a route's schema says of them. */
function successesOf(response: unknown): Readonly<Record<number, AnySchema>> | undefined {
  if (!isObject(response)) return undefined
  const found = Object.entries(response).flatMap(([status, schema]): [number, AnySchema][] =>
    /^2\d\d$/.test(status) && isObject(schema) ? [[Number(status), schema]] : [],
  )
  return found.length === 0 ? undefined : Object.fromEntries(found)
}
