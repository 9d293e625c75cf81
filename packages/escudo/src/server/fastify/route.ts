import type {
  FastifyReply,
  FastifyRequest,
  preValidationHookHandler,
  RouteShorthandOptions,
  RouteShorthandOptionsWithHandler,
} from 'fastify'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { nearestName, unknownOption } from '../../core/options/options.ts'
import {
  checkRouteInput,
  type DeclaredParts,
  declaredParts,
  type PartOf,
  ROUTE_INPUT_NAMES,
  type RouteInput,
  validateRequest,
} from '../route-input.ts'

export type { RouteInput } from '../route-input.ts'

/** A request whose parts have the output types of their schemas. */
export type ValidatedRequest<I extends RouteInput> = FastifyRequest<{
  Body: PartOf<I, 'body'>
  Params: PartOf<I, 'params'>
  Querystring: PartOf<I, 'query'>
}>

/** The key of {@link RouteInput} in `routeOptions.config`. */
const INPUT = 'escudo'

/**
 * Declares the inputs of a route by schemas of zod or any other Standard Schema.
 *
 * Values are coerced only by a schema that does so itself. One answer, 422 `VALIDATION_ERROR`, carries the findings of
 * all parts.
 *
 * @param input the schemas, the route's error codes, and Fastify's own route options
 * @param handler receives the request with the output types of the schemas
 * @returns the options for `app.get`, `app.post` and the other methods
 * @throws ConfigurationError for an invalid option, such as a schema that is not a Standard Schema. An unknown option is
 * passed to Fastify unless it resembles one of {@link RouteInput}
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
  checkInput(input, handler)
  const { body, params, query, headers, errors, response, summary, tags, security, ...options } = input as RouteInput &
    RouteShorthandOptions
  const declared = { body, params, query, headers }
  const customHooks = options.preValidation === undefined ? [] : [options.preValidation].flat()
  return {
    ...options,
    config: { ...options.config, [INPUT]: { ...declared, errors, response, summary, tags, security } },
    preValidation: [...customHooks, validation(declaredParts(declared))],
    handler: handler as RouteShorthandOptionsWithHandler['handler'],
  } as RouteShorthandOptionsWithHandler
}

/** A hook that validates. It returns a promise only if there is something to wait for, or to reject. */
function validation(declared: DeclaredParts): preValidationHookHandler {
  return (request, _reply, done) => {
    const values = validateRequest(declared, (part) => request[part])
    if (values instanceof Promise) return values.then((output) => replaceParts(request, declared, output))
    replaceParts(request, declared, values)
    return done()
  }
}

const FASTIFY_OPTIONS: readonly string[] = [
  'attachValidation',
  'bodyLimit',
  'childLoggerFactory',
  'config',
  'constraints',
  'errorHandler',
  'exposeHeadRoute',
  'handlerTimeout',
  'logLevel',
  'logSerializers',
  'onError',
  'onRequest',
  'onRequestAbort',
  'onResponse',
  'onSend',
  'onTimeout',
  'preHandler',
  'preParsing',
  'preSerialization',
  'preValidation',
  'prefixTrailingSlash',
  'schema',
  'schemaErrorFormatter',
  'serializerCompiler',
  'validatorCompiler',
  'version',
]

function checkInput(input: RouteInput & RouteShorthandOptions, handler: unknown): void {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new ConfigurationError('route', `expected an object of options, got ${show(input)}`)
  }
  const fail = (key: string, expected: string, value: unknown): never => {
    throw new ConfigurationError(`route.${key}`, `expected ${expected}, got ${show(value)}`)
  }
  for (const key of Object.keys(input)) {
    // Plugins of Fastify add options, so an unknown one is refused only if it looks like a misspelled one of ours.
    if (ROUTE_INPUT_NAMES.includes(key as never) || FASTIFY_OPTIONS.includes(key)) continue
    if (nearestName(key, ROUTE_INPUT_NAMES) !== undefined) throw unknownOption('route', key, ROUTE_INPUT_NAMES)
  }
  checkRouteInput(input, 'route')
  if (typeof handler !== 'function') fail('handler', 'a function', handler)
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

function replaceParts(request: FastifyRequest, declared: DeclaredParts, values: readonly unknown[]): void {
  for (const [index, { part }] of declared.entries()) {
    // Headers are not replaced: other hooks read them, and a schema covers only some of them.
    if (part !== 'headers') request[part] = values[index]
  }
}
