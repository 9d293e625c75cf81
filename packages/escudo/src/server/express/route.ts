import type { IncomingMessage } from 'node:http'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys, wholeNumber } from '../../core/options/options.ts'
import { BODY_LIMIT } from '../json-body.ts'
import { readJson } from '../node/read-json.ts'
import {
  checkRouteInput,
  type DeclaredParts,
  declaredParts,
  type PartOf,
  ROUTE_INPUT_NAMES,
  type RouteInput,
  validateRequest,
} from '../route-input.ts'
import type { RequestPart } from '../validation.ts'
import { stateOf } from './request-state.ts'

/** The inputs of a route, and how large its body may be. */
export interface ExpressRouteInput extends RouteInput {
  /** The largest body, in bytes. Default: the option `bodyLimit` of {@link escudo}. */
  readonly bodyLimit?: number | undefined
}

type PartOr<I, Part extends string, Default> = I extends { readonly [P in Part]: object } ? PartOf<I, Part> : Default

/** A request whose parts have the output types of their schemas. */
export type ValidatedRequest<I extends RouteInput> = Request<
  PartOr<I, 'params', Record<string, string>>,
  unknown,
  PartOf<I, 'body'>,
  PartOr<I, 'query', Request['query']>
>

/** The key of a handler's {@link RouteInput}. */
const INPUT: unique symbol = Symbol('escudo.input')

/**
 * Declares the inputs of a route by schemas of zod or any other Standard Schema.
 *
 * A route with a `body` reads it as JSON, unless a body parser has done so. An unknown route never reads a body. Values
 * are coerced only by a schema that does so itself. One answer, 422 `VALIDATION_ERROR`, carries the findings of all parts.
 *
 * @param input the schemas, and the route's error codes
 * @param handler receives the request with the output types of the schemas
 * @returns the handler for `app.get`, `app.post` and the other methods
 * @throws ConfigurationError for an invalid option, such as a schema that is not a Standard Schema
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo, route } from 'escudo/express'
 * import express from 'express'
 * import { z } from 'zod'
 *
 * const { first, last } = escudo({ contract: createErrorContract({ service: 'potion-shop', errors: defineErrors({}) }) })
 * const app = express()
 * app.use(first)
 * const NewUser = z.object({ email: z.string(), nombre: z.string() })
 * app.post('/users', route({ body: NewUser }, (request, response) => {
 *   response.status(201).json({ hello: request.body.nombre })
 * }))
 * app.use(last)
 * ```
 */
export function route<const I extends ExpressRouteInput>(
  input: I,
  handler: (request: ValidatedRequest<I>, response: Response, next: NextFunction) => unknown,
): RequestHandler {
  knownKeys(input, 'route', [...ROUTE_INPUT_NAMES, 'bodyLimit'])
  checkRouteInput(input, 'route')
  if (input.bodyLimit !== undefined) wholeNumber(input.bodyLimit, 'route.bodyLimit', 1)
  if (typeof handler !== 'function') {
    throw new ConfigurationError('route.handler', `expected a function, got ${show(handler)}`)
  }
  const declared = declaredParts(input)
  const readsBody = input.body !== undefined
  const run = handler as (request: Request, response: Response, next: NextFunction) => unknown
  const validated: RequestHandler = async (request, response, next) => {
    if (readsBody && request.body === undefined) request.body = await bodyOf(request, input.bodyLimit)
    const values = validateRequest(declared, (part) => request[part])
    replaceParts(request, declared, values instanceof Promise ? await values : values)
    await run(request, response, next)
  }
  return Object.assign(validated, { [INPUT]: input })
}

/**
 * Reads what {@link route} declared, from a handler. Undefined for any other handler.
 *
 * Use it to document routes, or to compare the answers of a route with its declaration.
 *
 * @example
 * ```ts
 * import { inputOf, route } from 'escudo/express'
 *
 * const handler = route({ errors: ['ITEM_NOT_FOUND'] }, (_request, response) => response.send('item'))
 * console.log(inputOf(handler)?.errors) // ['ITEM_NOT_FOUND']
 * ```
 */
export function inputOf(handler: unknown): RouteInput | undefined {
  return (handler as { readonly [INPUT]?: RouteInput } | undefined)?.[INPUT]
}

/** A body parser that has read the body and made nothing of it was not meant for this body. */
async function bodyOf(request: IncomingMessage, limit: number | undefined): Promise<unknown> {
  return await readJson(request, limit ?? stateOf(request)?.bodyLimit ?? BODY_LIMIT)
}

function replaceParts(request: Request, declared: DeclaredParts, values: readonly unknown[]): void {
  for (const [index, { part }] of declared.entries()) {
    // Headers are not replaced: other middleware reads them, and a schema covers only some of them.
    if (part !== 'headers') replacePart(request, part, values[index])
  }
}

function replacePart(request: Request, part: Exclude<RequestPart, 'headers'>, value: unknown): void {
  // In Express 5, `query` is a getter that parses the URL again.
  if (part === 'query') Object.defineProperty(request, 'query', { value, configurable: true, writable: true })
  else request[part] = value as never
}
