import { parseLimited, readJson } from './read-body.ts'
import { exchangeOfRequest } from './request.ts'
import { queryOf, readRoute, type ValidatedParts, validatedParts, type WebRouteInput } from './route.ts'

/**
 * Declares the inputs of a route by schemas of zod or any other Standard Schema.
 *
 * The body must be JSON in UTF-8 of at most `bodyLimit` bytes. Values are coerced only by a schema that does so itself.
 * One answer, 422 `VALIDATION_ERROR`, carries the findings of all parts. Use it inside a handler of {@link escudo}.
 *
 * @param input the schemas, and the route's error codes
 * @param handler receives the request, and the validated parts with the output types of the schemas
 * @returns a function of the request and the parameters of its path, which the router found
 * @throws ConfigurationError for an invalid or unknown option
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo, route } from 'escudo/web'
 * import { z } from 'zod'
 *
 * const { handler } = escudo({ contract: createErrorContract({ service: 'shop', errors: defineErrors({}) }) })
 * const NewUser = z.object({ nombre: z.string() })
 * const createUser = route({ body: NewUser }, (_request, { body }) => Response.json({ hello: body.nombre }))
 * const POST = handler((request) => createUser(request), { route: '/users' }) // a route handler of Next, for example
 *
 * const headers = { 'content-type': 'application/json' }
 * const response = await POST(new Request('http://shop/users', { method: 'POST', headers, body: '{"nombre":5}' }))
 * console.log(response.status) // 422
 * ```
 */
export function route<const I extends WebRouteInput>(
  input: I,
  handler: (request: Request, parts: ValidatedParts<I>) => Response | Promise<Response>,
): (request: Request, params?: Readonly<Record<string, unknown>>) => Promise<Response> {
  const declaration = readRoute(input, handler)
  return async (request, params = {}) => {
    let body: unknown
    if (declaration.hasBody) {
      const begun = exchangeOfRequest(request)
      body =
        begun?.body === undefined
          ? (await readJson(request, begun?.node, declaration.bodyLimit)).value
          : parseLimited(begun.body, request.headers, declaration.bodyLimit)
    }
    const parts = { body, params, query: queryOf(request.url), headers: Object.fromEntries(request.headers) }
    return await handler(request, (await validatedParts(declaration, parts)) as unknown as ValidatedParts<I>)
  }
}
