import type { FastifyReply, FastifyRequest, RouteShorthandOptions, RouteShorthandOptionsWithHandler } from 'fastify'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { OutputOf, StandardSchema } from '../../errors/standard-schema.ts'
import { isStandardSchema } from '../../errors/standard-schema.ts'
import { type PartToValidate, type RequestPart, validateParts } from '../validation.ts'

/** The inputs, answers and documentation of a route. */
export interface RouteInput {
  readonly body?: StandardSchema | undefined
  readonly params?: StandardSchema | undefined
  readonly query?: StandardSchema | undefined
  readonly headers?: StandardSchema | undefined
  /** Names of catalogue entries that the route can answer with. Used by documents, and by tests that compare. */
  readonly errors?: readonly string[] | undefined
  /** The schema of a success: one for 200, or one per status. Documents only: no body is checked or rewritten. */
  readonly response?: StandardSchema | Readonly<Record<number, StandardSchema>> | undefined
  /** A one-line summary of the route, for documents. */
  readonly summary?: string | undefined
  /** The groups that documents list the route under. */
  readonly tags?: readonly string[] | undefined
  /** The name of a security scheme in the options of {@link openapi}. Documents only: the route must check it itself. */
  readonly security?: string | undefined
}

/** A request whose parts have the output types of their schemas. */
export type ValidatedRequest<I extends RouteInput> = FastifyRequest<{
  Body: PartOf<I, 'body'>
  Params: PartOf<I, 'params'>
  Querystring: PartOf<I, 'query'>
}>

type PartOf<I, Part extends string> = I extends { readonly [P in Part]: infer S extends StandardSchema }
  ? OutputOf<S>
  : unknown

/** The key of {@link RouteInput} in `routeOptions.config`. */
const INPUT = 'escudo'

const PARTS: readonly RequestPart[] = ['params', 'query', 'headers', 'body']

/**
 * Declares the inputs of a route by schemas of zod or any other Standard Schema.
 *
 * Values are coerced only by a schema that does so itself. One answer, 422 `VALIDATION_ERROR`, carries the findings of
 * all parts.
 *
 * @param input the schemas, the route's error codes, and Fastify's own route options
 * @param handler receives the request with the output types of the schemas
 * @returns the options for `app.get`, `app.post` and the other methods
 * @throws TypeError for a schema that is not a Standard Schema
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { contractOptions, escudo, route } from 'escudo/fastify'
 * import Fastify from 'fastify'
 * import { z } from 'zod'
 *
 * const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
 * const app = Fastify(contractOptions(contract))
 * await app.register(escudo, { contract })
 * const NewUser = z.object({ email: z.string(), nombre: z.string() })
 * app.post('/users', route({ body: NewUser }, async (request) => ({ hello: request.body.nombre })))
 * ```
 */
export function route<const I extends RouteInput & RouteShorthandOptions>(
  input: I,
  handler: (request: ValidatedRequest<I>, reply: FastifyReply) => unknown,
): RouteShorthandOptionsWithHandler {
  const { body, params, query, headers, errors, response, summary, tags, security, ...options } = input as RouteInput &
    RouteShorthandOptions
  const declared = { body, params, query, headers }
  for (const [part, schema] of Object.entries(declared)) {
    if (schema !== undefined && !isStandardSchema(schema))
      throw new TypeError(`route.${part}: expected a Standard Schema`)
  }
  const customHooks = options.preValidation === undefined ? [] : [options.preValidation].flat()
  return {
    ...options,
    config: { ...options.config, [INPUT]: { ...declared, errors, response, summary, tags, security } },
    preValidation: [...customHooks, (request: FastifyRequest) => validate(request, declared)],
    handler: handler as RouteShorthandOptionsWithHandler['handler'],
  } as RouteShorthandOptionsWithHandler
}

/**
 * Reads what {@link route} declared, from the `config` of a route. Undefined for a route without a declaration.
 *
 * Use it to document routes, or to compare the answers of a route with its declaration.
 *
 * @example
 * ```ts
 * import { inputOf, route } from 'escudo/fastify'
 *
 * const options = route({ errors: ['ITEM_NOT_FOUND'] }, async () => 'item')
 * console.log(inputOf(options.config)?.errors) // ['ITEM_NOT_FOUND']
 * ```
 */
export function inputOf(config: unknown): RouteInput | undefined {
  return (config as { readonly [INPUT]?: RouteInput } | undefined)?.[INPUT]
}

async function validate(request: FastifyRequest, input: RouteInput): Promise<void> {
  // A missing body is not valid JSON.
  if (input.body !== undefined && request.body === undefined) throw new WellKnown.MALFORMED_JSON()
  const parts: PartToValidate[] = []
  for (const part of PARTS) {
    const schema = input[part]
    if (schema !== undefined) parts.push({ part, schema, value: request[part] })
  }
  const values = await validateParts(parts)
  for (const [index, { part }] of parts.entries()) {
    // Headers are not replaced: other hooks read them, and a schema covers only some of them.
    if (part !== 'headers') request[part] = values[index]
  }
}
