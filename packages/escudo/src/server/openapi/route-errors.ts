import type { WellKnownCode } from '../../errors/catalogue/well-known.ts'
import { describedRoute, type Operation } from './collected.ts'
import type { AnySchema, RouteDescription, SecurityDescription } from './description.ts'
import { acceptsAnyString, isCheckedByTool, isUnchecked, parametersIn } from './parameters.ts'

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

const WITHOUT_BODY: readonly string[] = ['get', 'head', 'trace']

/** The errors of a security scheme that no option describes. */
const SECURITY_ERRORS: readonly string[] = ['UNAUTHORIZED', 'FORBIDDEN']

/** How the errors of an operation are found. */
export interface ErrorRules {
  readonly security: Readonly<Record<string, SecurityDescription>>
  /** The names of the security schemes that the document has. */
  readonly schemes: readonly string[]
  readonly parsesEveryBody: boolean
}

/**
 * Lists the names of an operation's errors: those of its security, those it declares, and those implied by its inputs.
 *
 * @throws TypeError if it names a security that neither the options nor the document have
 */
export function errorNamesOf(operation: Operation, rules: ErrorRules): readonly string[] {
  const { method, label, collected, routes } = operation
  const descriptions = routes.map(({ description = {} }) => description)
  const security = describedRoute(operation).description.security ?? operation.security
  const names = [
    ...[security].flat().flatMap((name) => securityErrors(name, label, rules)),
    ...namesIn(collected['x-errors'], label),
    ...descriptions.flatMap(({ errors = [] }) => errors),
  ]
  const hasBody = collected['requestBody'] !== undefined || descriptions.some(({ body }) => body !== undefined)
  if (hasBody || (rules.parsesEveryBody && !WITHOUT_BODY.includes(method))) {
    names.push('MALFORMED_JSON', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE')
  }
  const isChecked = collected['requestBody'] !== undefined || isCheckedByTool(operation)
  if (isChecked || descriptions.some(canBeInvalid)) names.push('VALIDATION_ERROR')
  return [...new Set(names)]
}

function securityErrors(name: string, label: string, { security, schemes }: ErrorRules): readonly string[] {
  if (Object.hasOwn(security, name)) return (security[name] as SecurityDescription).errors
  if (schemes.includes(name)) return SECURITY_ERRORS
  const known = [...new Set([...Object.keys(security), ...schemes])].join(', ') || 'none'
  throw new TypeError(`${label} names the security ${JSON.stringify(name)}; known: ${known}`)
}

/** The extension `x-errors` of an operation: the names of errors, as a route declares them. */
function namesIn(extension: unknown, label: string): readonly string[] {
  if (extension === undefined) return []
  if (Array.isArray(extension) && extension.every((name) => typeof name === 'string')) return extension
  throw new TypeError(`${label} has an x-errors that is not an array of names`)
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
    // The output of a transformation is not known.
    parameters.every(
      ({ schema, output }) => acceptsAnyString(schema) && (isUnchecked(output) || acceptsAnyString(output)),
    )
  )
}
