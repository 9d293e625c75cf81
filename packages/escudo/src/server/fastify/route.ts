import type { FastifyReply, FastifyRequest, RouteShorthandOptions, RouteShorthandOptionsWithHandler } from 'fastify'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { OutputOf, StandardSchema } from '../../errors/standard-schema.ts'
import { isStandardSchema } from '../../errors/standard-schema.ts'
import { type PartToValidate, type RequestPart, validateParts } from '../validation.ts'

/** What a route takes and which errors it answers with. */
export interface RouteInput {
  readonly body?: StandardSchema | undefined
  readonly params?: StandardSchema | undefined
  readonly query?: StandardSchema | undefined
  readonly headers?: StandardSchema | undefined
  /** Entries of the catalogue that the route can answer with; for documents, and for tests that compare. */
  readonly errors?: readonly string[] | undefined
  /** What a success looks like, for 200 or by status. For documents alone: no body is checked or rewritten by it. */
  readonly response?: StandardSchema | Readonly<Record<number, StandardSchema>> | undefined
  /** A line about the route, for documents. */
  readonly summary?: string | undefined
  /** Headings under which documents put the route. */
  readonly tags?: readonly string[] | undefined
  /** What a caller must show, by its name in the options of {@link openapi}. For documents: the route checks it itself. */
  readonly security?: string | undefined
}

/** A request whose parts have the types that their schemas give. */
export type ValidatedRequest<I extends RouteInput> = FastifyRequest<{
  Body: PartOf<I, 'body'>
  Params: PartOf<I, 'params'>
  Querystring: PartOf<I, 'query'>
}>

type PartOf<I, Part extends string> = I extends { readonly [P in Part]: infer S extends StandardSchema }
  ? OutputOf<S>
  : unknown

/** Where a route keeps its {@link RouteInput}: `routeOptions.config[INPUT]`. */
export const INPUT = 'escudo'

const PARTS: readonly (readonly [RequestPart, 'params' | 'query' | 'headers' | 'body'])[] = [
  ['params', 'params'],
  ['query', 'query'],
  ['headers', 'headers'],
  ['body', 'body'],
]

/**
 * Declares a route's inputs by schemas of zod or any other Standard Schema. Nothing is coerced but by a schema that says
 * so; all findings, of all parts, are answered together, with 422 `VALIDATION_ERROR`.
 *
 * @param input the schemas, the route's error codes, and any of Fastify's own route options
 * @param handler gets the request with the types that the schemas give
 * @returns the options for `app.get`, `app.post` and the rest
 * @throws TypeError when a schema is none
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
  const others = options.preValidation === undefined ? [] : [options.preValidation].flat()
  return {
    ...options,
    config: { ...options.config, [INPUT]: { ...declared, errors, response, summary, tags, security } },
    preValidation: [...others, (request: FastifyRequest) => validate(request, declared)],
    handler: handler as RouteShorthandOptionsWithHandler['handler'],
  } as RouteShorthandOptionsWithHandler
}

/**
 * What {@link route} declared of a route, from its `config`; undefined for any other route. For those who write
 * documents of routes, or compare what a route answers with what it declares.
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
  // Where a body is required, none at all is no JSON either.
  if (input.body !== undefined && request.body === undefined) throw new WellKnown.MALFORMED_JSON()
  const parts: PartToValidate[] = []
  for (const [part, key] of PARTS) {
    const schema = input[key]
    if (schema !== undefined) parts.push({ part, schema, value: request[key] })
  }
  const values = await validateParts(parts)
  for (const [index, { part }] of parts.entries()) {
    // Headers stay as they came: other hooks read them, and a schema names only some.
    if (part !== 'headers') request[part] = values[index]
  }
}
