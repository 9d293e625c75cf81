import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys, optionalFunction } from '../../core/options/options.ts'
import { read } from '../../errors/safe-read.ts'
import type { OpenApiDocument, OpenApiOptions } from '../openapi/description.ts'
import type { SwaggerOptions } from './document.ts'
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
  // Loaded here: most processes make no document.
  const { checkDocumentOptions, swaggerOptions } = await import('./document.ts')
  const { path, onDocument, document } = readOptions(options)
  checkDocumentOptions({ ...document, routes: [] }, 'openapiDocument')
  if (app.hasDecorator('swagger')) {
    throw new ConfigurationError(
      'openapi',
      'expected a server without @fastify/swagger: this plugin registers it itself',
    )
  }
  let text = ''
  await app.register(await swaggerPlugin(), swaggerOptions(document, inputOf))
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
  return { path, onDocument, document: Object.fromEntries(given) as ReadOptions['document'] }
}

async function swaggerPlugin(): Promise<FastifyPluginAsync<SwaggerOptions>> {
  try {
    const { default: swagger } = await import('@fastify/swagger')
    return swagger as unknown as FastifyPluginAsync<SwaggerOptions>
  } catch (cause) {
    if (read(cause, 'code') !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw Object.assign(
      new ConfigurationError('openapi', 'needs the package @fastify/swagger: npm install @fastify/swagger'),
      { cause },
    )
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
