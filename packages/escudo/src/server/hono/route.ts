import type { Context, Env, Handler } from 'hono'
import { findTargetHandler } from 'hono/utils/handler'
import type { RouteInput } from '../route-input.ts'
import { parseLimited, readJson } from '../web/read-body.ts'
import { queryOf, readRoute, type ValidatedParts, validatedParts, type WebRouteInput } from '../web/route.ts'
import { exchangeIn } from './context.ts'

const INPUT = Symbol.for('escudo.route')

/**
 * Declares the inputs of a route by schemas of zod or any other Standard Schema.
 *
 * The body must be JSON in UTF-8 of at most `bodyLimit` bytes. Values are coerced only by a schema that does so itself.
 * One answer, 422 `VALIDATION_ERROR`, carries the findings of all parts.
 *
 * @param input the schemas, and the route's error codes
 * @param handler receives Hono's context, and the validated parts with the output types of the schemas
 * @throws ConfigurationError for an invalid or unknown option
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo, route } from 'escudo/hono'
 * import { Hono } from 'hono'
 * import { z } from 'zod'
 *
 * const app = new Hono()
 * escudo(app, { contract: createErrorContract({ service: 'potion-shop', errors: defineErrors({}) }) })
 * const NewUser = z.object({ nombre: z.string() })
 * app.post('/users', route({ body: NewUser }, (c, { body }) => c.json({ hello: body.nombre }, 201)))
 *
 * const headers = { 'content-type': 'application/json' }
 * const response = await app.request('/users', { method: 'POST', headers, body: '{"nombre":5}' })
 * console.log(response.status) // 422
 * ```
 */
export function route<const I extends WebRouteInput, E extends Env = Env>(
  input: I,
  handler: (context: Context<E>, parts: ValidatedParts<I>) => Response | Promise<Response>,
): (context: Context<E>) => Promise<Response> {
  const declaration = readRoute(input, handler)
  const handle = async (context: Context<E>): Promise<Response> => {
    const { req } = context
    let body: unknown
    if (declaration.hasBody) {
      const begun = exchangeIn(context)
      if (begun?.body === undefined) {
        const read = await readJson(req.raw, begun?.node, declaration.bodyLimit)
        body = read.value
        // The body can be read once. Hono's own methods look here first.
        if (read.bytes !== undefined) req.bodyCache.arrayBuffer = Promise.resolve(read.bytes) as never
      } else body = parseLimited(begun.body, req.raw.headers, declaration.bodyLimit)
    }
    const parts = { body, params: req.param(), query: queryOf(req.url), headers: req.header() }
    return await handler(context, (await validatedParts(declaration, parts)) as unknown as ValidatedParts<I>)
  }
  return Object.assign(handle, { [INPUT]: input })
}

/**
 * Reads what {@link route} declared. Undefined for a handler without a declaration.
 *
 * @example
 * ```ts
 * import { inputOf, route } from 'escudo/hono'
 *
 * console.log(inputOf(route({ errors: ['ITEM_NOT_FOUND'] }, (c) => c.text('item')))?.errors) // ['ITEM_NOT_FOUND']
 * ```
 */
export function inputOf(handler: unknown): RouteInput | undefined {
  // Hono wraps the handlers of a sub-app that has a separate `onError`.
  const target = typeof handler === 'function' ? findTargetHandler(handler as Handler) : handler
  return (target as { readonly [INPUT]?: RouteInput } | undefined)?.[INPUT]
}
