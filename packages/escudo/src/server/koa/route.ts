import type { Context, Next } from 'koa'
import { readJson } from '../node/read-json.ts'
import type { RouteInput } from '../route-input.ts'
import { readRoute, type ValidatedParts, validatedParts, type WebRouteInput } from '../web/route.ts'

const INPUT = Symbol.for('escudo.route')

/**
 * Declares the inputs of a route by schemas of zod or any other Standard Schema.
 *
 * A route with a `body` reads it as JSON in UTF-8 of at most `bodyLimit` bytes, unless a body parser has done so. Values
 * are coerced only by a schema that does so itself. One answer, 422 `VALIDATION_ERROR`, carries the findings of all parts.
 *
 * @param input the schemas, and the route's error codes
 * @param handler receives Koa's context, and the validated parts with the output types of the schemas
 * @returns the middleware for `router.get`, `router.post` and the other methods
 * @throws ConfigurationError for an invalid or unknown option
 * @example
 * ```ts
 * import Router from '@koa/router'
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo, route } from 'escudo/koa'
 * import Koa from 'koa'
 * import { z } from 'zod'
 *
 * const app = new Koa()
 * escudo(app, { contract: createErrorContract({ service: 'potion-shop', errors: defineErrors({}) }) })
 * const router = new Router()
 * const NewUser = z.object({ nombre: z.string() })
 * router.post('/users', route({ body: NewUser }, (ctx, { body }) => {
 *   ctx.status = 201
 *   ctx.body = { hello: body.nombre }
 * }))
 * app.use(router.routes())
 * ```
 */
export function route<const I extends WebRouteInput, C extends Context = Context>(
  input: I,
  handler: (context: C, parts: ValidatedParts<I>, next: Next) => unknown,
): (context: C, next: Next) => Promise<void> {
  const declaration = readRoute(input, handler)
  const handle = async (context: C, next: Next): Promise<void> => {
    const body = declaration.hasBody ? await readBody(context, declaration.bodyLimit) : requestOf(context).body
    const { query, headers } = context
    const parts = { body, params: (context as { readonly params?: unknown }).params ?? {}, query, headers }
    await handler(context, (await validatedParts(declaration, parts)) as unknown as ValidatedParts<I>, next)
  }
  return Object.assign(handle, { [INPUT]: input })
}

/**
 * Reads what {@link route} declared. Undefined for a handler without a declaration.
 *
 * @example
 * ```ts
 * import { inputOf, route } from 'escudo/koa'
 *
 * const handler = route({ errors: ['ITEM_NOT_FOUND'] }, (ctx) => {
 *   ctx.body = 'item'
 * })
 * console.log(inputOf(handler)?.errors) // ['ITEM_NOT_FOUND']
 * ```
 */
export function inputOf(handler: unknown): RouteInput | undefined {
  return (handler as { readonly [INPUT]?: RouteInput } | undefined)?.[INPUT]
}

function requestOf(context: Context): { body?: unknown } {
  return context.request as { body?: unknown }
}

/** The body: that of a parser before, or read as JSON. */
export async function readBody(context: Context, limit: number): Promise<unknown> {
  const request = requestOf(context)
  // `koa-bodyparser` sets `{}` for a body that it has not read.
  const isUnread = request.body === undefined || (isEmpty(request.body) && !context.req.readableDidRead)
  if (isUnread) request.body = await readJson(context.req, limit)
  return request.body
}

function isEmpty(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.keys(body).length === 0
}
