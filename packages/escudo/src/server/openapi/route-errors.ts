import type { WellKnownCode } from '../../errors/catalogue/well-known.ts'
import type { AnySchema, DocumentedRoute, OpenApiOptions, RouteDescription } from './description.ts'
import { parametersIn } from './parameters.ts'

/** Errors that any request can get, on any route: rejections by the server itself, and bugs. */
export const COMMON_ERRORS: readonly WellKnownCode[] = [
  'BAD_REQUEST',
  'REQUEST_TIMEOUT',
  'URI_TOO_LONG',
  'EXPECTATION_FAILED',
  'HEADERS_TOO_LARGE',
  'INTERNAL_SERVER_ERROR',
  'SHUTTING_DOWN',
]

const WITHOUT_BODY: readonly string[] = ['GET', 'HEAD', 'TRACE']

/**
 * Lists the names of a route's errors: those of its security, those it declares, and those implied by its inputs.
 *
 * @throws TypeError if the route names a security that the options do not have
 */
export function errorNamesOf(route: DocumentedRoute, options: Pick<OpenApiOptions, 'security'>): readonly string[] {
  const { description = {}, method } = route
  const names = [...securityErrors(route, options), ...(description.errors ?? [])]
  // Every body is parsed, even if the route ignores it.
  if (!WITHOUT_BODY.includes(method.toUpperCase())) {
    names.push('MALFORMED_JSON', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE')
  }
  if (canBeInvalid(description)) names.push('VALIDATION_ERROR')
  return [...new Set(names)]
}

function securityErrors(
  { description, method, url }: DocumentedRoute,
  { security = {} }: Pick<OpenApiOptions, 'security'>,
): readonly string[] {
  const name = description?.security
  if (name === undefined) return []
  const known = Object.hasOwn(security, name) ? security[name] : undefined
  if (known === undefined) {
    const names = Object.keys(security).join(', ') || 'none'
    throw new TypeError(`${method} ${url} names the security ${JSON.stringify(name)}; known: ${names}`)
  }
  return known.errors
}

/**
 * Whether a request can fail validation.
 *
 * Path parameters are always present and always strings, so a schema such as `z.string()` cannot fail. If a schema
 * checks more than its JSON Schema shows, the route must declare `errors: ['VALIDATION_ERROR']`.
 */
function canBeInvalid({ body, query, headers, params }: RouteDescription): boolean {
  if (body !== undefined || query !== undefined || headers !== undefined) return true
  return params !== undefined && !acceptsAnyStrings(params)
}

function acceptsAnyStrings(params: AnySchema): boolean {
  const parameters = parametersIn(params)
  return (
    parameters.length > 0 &&
    parameters.every(({ schema, output }) => acceptsAnyString(schema) && (isEmpty(output) || acceptsAnyString(output)))
  )
}

/** Whether a schema is not known, as that of a transformation. */
function isEmpty(schema: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(schema).every((key) => ANNOTATIONS.includes(key))
}

const ANNOTATIONS: readonly string[] = ['title', 'description', 'examples', 'example', 'default', 'deprecated']

function acceptsAnyString(schema: Readonly<Record<string, unknown>>): boolean {
  const { type, ...checks } = schema
  return type === 'string' && Object.keys(checks).every((key) => ANNOTATIONS.includes(key))
}
