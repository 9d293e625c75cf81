import type { Env, Hono, Schema } from 'hono'
import type { OpenApiDocument } from '../openapi/description.ts'
import type { HonoOpenApiOptions } from './document.ts'
import { inputOf } from './route.ts'

/**
 * Makes the OpenAPI 3.1 document of a Hono app, with the errors of every route.
 *
 * The package `hono-openapi` collects the routes: its `describeRoute` and `validator` are documented too. A route made by
 * {@link route} is documented with its inputs, errors and answers. Call it when all routes are declared.
 *
 * @returns the document, to be served as JSON
 * @throws ConfigurationError for an invalid option; TypeError if a route names an unknown error or an unknown security
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo, openapi, route } from 'escudo/hono'
 * import { Hono } from 'hono'
 * import { generateSpecs } from 'hono-openapi'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
 * const app = new Hono()
 * escudo(app, { contract })
 * app.get('/potion', route({ errors: ['SOLD_OUT'] }, (c) => c.text('potion')))
 *
 * const document = await openapi(app, { contract, info: { title: 'The shop', version: '1.0.0' }, generateSpecs })
 * app.get('/openapi.json', (c) => c.json(document))
 * console.log(Object.keys(document.paths['/potion']?.['get']?.['responses'] ?? {})) // 409, 500, 2XX, default
 * ```
 */
export async function openapi<E extends Env, S extends Schema, P extends string>(
  app: Hono<E, S, P>,
  options: HonoOpenApiOptions,
): Promise<OpenApiDocument> {
  // Loaded here: most processes make no document.
  const { documentOf } = await import('./document.ts')
  return await documentOf(app as unknown as Hono, options, inputOf)
}
