import type { WellKnownCode } from '../../errors/catalogue/well-known.ts'
import type { AnySchema, DocumentedRoute, OpenApiOptions, RouteDescription } from './description.ts'
import { jsonSchemaOf, propertiesOf } from './json-schema.ts'

/** What any request can meet, whatever its route: what the server itself refuses, and bugs. */
export const ANYWHERE: readonly WellKnownCode[] = [
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
 * The names of the errors of a route: those that it declares, those of its security, and those that follow from what it
 * takes.
 *
 * @throws TypeError when the route names a security that the options lack
 */
export function namesOf(route: DocumentedRoute, options: Pick<OpenApiOptions, 'security'>): readonly string[] {
  const { description = {}, method } = route
  const names = [...securityErrors(route, options), ...(description.errors ?? [])]
  // Any body is parsed, whether or not the route has a use for it.
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
    throw new TypeError(`${method} ${url} names the security ${JSON.stringify(name)}; there is ${names}`)
  }
  return known.errors
}

/**
 * Whether a request can fail to validate. Parameters of a path are there, and are text: where any text will do, as by
 * `z.string()`, no request fails. A schema that checks more than its JSON form tells has to be named by the route, as
 * `errors: ['VALIDATION_ERROR']`.
 */
function canBeInvalid({ body, query, headers, params }: RouteDescription): boolean {
  if (body !== undefined || query !== undefined || headers !== undefined) return true
  return params !== undefined && !takesAnyText(params)
}

function takesAnyText(params: AnySchema): boolean {
  const properties = propertiesOf(jsonSchemaOf(params, 'input'))
  return properties.length > 0 && properties.every(([, schema]) => isAnyText(schema))
}

const WORDS_FOR_PEOPLE: readonly string[] = ['title', 'description', 'examples', 'example', 'default', 'deprecated']

function isAnyText(schema: Readonly<Record<string, unknown>>): boolean {
  const { type, ...checks } = schema
  return type === 'string' && Object.keys(checks).every((key) => WORDS_FOR_PEOPLE.includes(key))
}
