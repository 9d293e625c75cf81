import type { IncomingMessage } from 'node:http'
import {
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common'
import { knownKeys, wholeNumber } from '../../core/options/options.ts'
import { read } from '../../errors/safe-read.ts'
import { stateOf } from '../express/request-state.ts'
import { BODY_LIMIT } from '../json-body.ts'
import { readJson } from '../node/read-json.ts'
import {
  checkRouteInput,
  type DeclaredParts,
  declaredParts,
  ROUTE_INPUT_NAMES,
  type RouteInput,
  validateRequest,
} from '../route-input.ts'
import type { RequestPart } from '../validation.ts'

/** The inputs and documentation of a route. Its error codes are declared with {@link ApiErrors}. */
export interface NestRouteInput extends Omit<RouteInput, 'errors'> {
  /** The largest body, in bytes, on Express. Default: the option `bodyLimit` of {@link EscudoModule}. */
  readonly bodyLimit?: number | undefined
}

type Decorator = MethodDecorator & ClassDecorator

/** What decorators have declared, by handler or controller. */
const declared = new WeakMap<object, RouteInput>()

/**
 * Declares the inputs of a route by schemas of zod or any other Standard Schema.
 *
 * The parameters `@Body()`, `@Param()` and `@Query()` then get what the schemas return. Guards run before, pipes after.
 * One answer, 422 `VALIDATION_ERROR`, carries the findings of all parts. On Express, a body that no parser has read is
 * read as JSON.
 *
 * @param input the schemas
 * @returns a decorator of a controller's method
 * @throws ConfigurationError for an invalid option, such as a schema that is not a Standard Schema
 * @example
 * ```ts
 * import { inputOf, Route } from 'escudo/nest'
 * import { z } from 'zod'
 *
 * class Users {
 *   create(user: { nombre: string }) {
 *     return { hello: user.nombre }
 *   }
 * }
 * // With a compiler for decorators: @Route({ … }) above the method.
 * const { prototype } = Users
 * const method = Object.getOwnPropertyDescriptor(prototype, 'create') as PropertyDescriptor
 * Route({ body: z.object({ nombre: z.string() }), summary: 'Adds a user' })(prototype, 'create', method)
 * console.log(inputOf(Users, 'create').summary) // Adds a user
 * ```
 */
export function Route(input: NestRouteInput): MethodDecorator {
  knownKeys(input, 'Route', [...ROUTE_INPUT_NAMES.filter((name) => name !== 'errors'), 'bodyLimit'])
  checkRouteInput(input, 'Route')
  if (input.bodyLimit !== undefined) wholeNumber(input.bodyLimit, 'Route.bodyLimit', 1)
  return applyDecorators(remember(input), UseInterceptors(new RouteInterceptor(input)))
}

/**
 * Declares the error codes that a route can answer with, or all routes of a controller.
 *
 * For documents, and for tests that compare. Read them with {@link inputOf}.
 *
 * @param codes names of catalogue entries
 * @returns a decorator of a method or a controller
 * @throws ConfigurationError for a code that is no text
 * @example
 * ```ts
 * import { ApiErrors, inputOf } from 'escudo/nest'
 *
 * class Items {}
 * ApiErrors('ITEM_NOT_FOUND')(Items) // with a compiler for decorators: @ApiErrors('ITEM_NOT_FOUND')
 * console.log(inputOf(Items).errors) // ['ITEM_NOT_FOUND']
 * ```
 */
export function ApiErrors(...codes: readonly string[]): Decorator {
  checkRouteInput({ errors: codes }, 'ApiErrors')
  return remember({ errors: codes }) as Decorator
}

/**
 * Reads what {@link Route} and {@link ApiErrors} declared for a controller, or for one of its methods.
 *
 * @param controller the class
 * @param method the name of the method. Its errors include those of the controller
 * @returns the declaration; empty without one
 * @example
 * ```ts
 * import { inputOf } from 'escudo/nest'
 *
 * class Items {
 *   all() {}
 * }
 * console.log(inputOf(Items, 'all')) // {}
 * ```
 */
export function inputOf(controller: object, method?: PropertyKey): RouteInput {
  const outer = declared.get(controller)
  const handler = method === undefined ? undefined : read(read(controller, 'prototype'), method)
  const inner = typeof handler === 'function' ? declared.get(handler) : undefined
  const errors = [...new Set([...(outer?.errors ?? []), ...(inner?.errors ?? [])])]
  return { ...outer, ...inner, ...(errors.length === 0 ? {} : { errors }) }
}

function remember(input: RouteInput): MethodDecorator {
  return (target: object, _key?: PropertyKey, descriptor?: PropertyDescriptor) => {
    const holder = (descriptor?.value ?? target) as object
    const known = declared.get(holder)
    const errors = [...(known?.errors ?? []), ...(input.errors ?? [])]
    declared.set(holder, { ...known, ...input, ...(errors.length === 0 ? {} : { errors }) })
  }
}

/** The parts of a request, on Express and Fastify. */
type HttpRequest = { -readonly [Part in RequestPart]: unknown } & { readonly raw?: IncomingMessage }

/** Reads and validates a request after the guards, before the pipes. */
class RouteInterceptor implements NestInterceptor {
  readonly #declared: DeclaredParts
  readonly #hasBody: boolean
  readonly #bodyLimit: number | undefined

  constructor(input: NestRouteInput) {
    this.#declared = declaredParts(input)
    this.#hasBody = input.body !== undefined
    this.#bodyLimit = input.bodyLimit
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<ReturnType<CallHandler['handle']>> {
    if (context.getType() !== 'http') return next.handle()
    const request = context.switchToHttp().getRequest<HttpRequest>()
    if (this.#hasBody && request.body === undefined && request.raw === undefined) {
      request.body = await this.#bodyOf(request as unknown as IncomingMessage)
    }
    const values = await validateRequest(this.#declared, (part) => request[part])
    for (const [index, { part }] of this.#declared.entries()) {
      // Headers are not replaced: other code reads them, and a schema covers only some of them. In Express 5, `query` is
      // a getter that parses the URL again.
      if (part === 'headers') continue
      Object.defineProperty(request, part, {
        value: values[index],
        configurable: true,
        enumerable: true,
        writable: true,
      })
    }
    return next.handle()
  }

  async #bodyOf(request: IncomingMessage): Promise<unknown> {
    return await readJson(request, this.#bodyLimit ?? stateOf(request)?.bodyLimit ?? BODY_LIMIT)
  }
}
