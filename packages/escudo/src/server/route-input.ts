import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { WellKnown } from '../errors/catalogue/well-known.ts'
import { isStandardSchema, type OutputOf, type StandardSchema } from '../errors/standard-schema.ts'
import { type PartToValidate, type RequestPart, validateParts } from './validation.ts'

// What a route declares, on every framework.

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
  /** The name of a security scheme in the options of the document. Documents only: the route must check it itself. */
  readonly security?: string | undefined
}

/** The output type of the schema of one part; unknown for a part without a schema. */
export type PartOf<I, Part extends string> = I extends { readonly [P in Part]: infer S extends StandardSchema }
  ? OutputOf<S>
  : unknown

/** The parts in the order of their findings. */
const PARTS: readonly RequestPart[] = ['params', 'query', 'headers', 'body']
/** The names of {@link RouteInput}. */
export const ROUTE_INPUT_NAMES: readonly string[] = [...PARTS, 'errors', 'response', 'summary', 'tags', 'security']

/** The parts that a route declares a schema for. */
export type DeclaredParts = readonly Omit<PartToValidate, 'value'>[]

/** Returns the parts that a route declares a schema for. */
export function declaredParts(input: RouteInput): DeclaredParts {
  return PARTS.flatMap((part) => (input[part] === undefined ? [] : [{ part, schema: input[part] }]))
}

/**
 * Validates the declared parts of a request. See {@link validateParts}.
 *
 * @param partOf the value of a part, as the framework parsed it. An undefined body is an empty one, which is not JSON
 * @returns the outputs, in the order of `declared`. A promise only if a schema is asynchronous, or to reject
 */
export function validateRequest(
  declared: DeclaredParts,
  partOf: (part: RequestPart) => unknown,
): readonly unknown[] | Promise<readonly unknown[]> {
  const parts = declared.map(({ part, schema }) => ({ part, schema, value: partOf(part) }))
  if (parts.some(({ part, value }) => part === 'body' && value === undefined)) {
    return Promise.reject(new WellKnown.MALFORMED_JSON())
  }
  return validateParts(parts)
}

/**
 * Checks what a route declares.
 *
 * @param path the name of the function, for messages
 * @throws ConfigurationError for an invalid value. Unknown names are not checked
 */
export function checkRouteInput(input: RouteInput, path: string): void {
  const fail = (key: string, expected: string, value: unknown): never => {
    throw new ConfigurationError(`${path}.${key}`, `expected ${expected}, got ${show(value)}`)
  }
  for (const part of PARTS) {
    const schema: unknown = input[part]
    if (schema !== undefined && !isStandardSchema(schema)) fail(part, 'a Standard Schema', schema)
  }
  const { errors = [], tags = [], summary, security, response } = input
  const isResponse = isStandardSchema(response) || (typeof response === 'object' && !Array.isArray(response))
  if (response !== undefined && (response === null || !isResponse)) {
    fail('response', 'a schema, or one per status', response)
  }
  for (const [key, list] of Object.entries({ errors, tags })) {
    if (!Array.isArray(list) || list.some((item) => typeof item !== 'string')) fail(key, 'an array of strings', list)
  }
  for (const [key, text] of Object.entries({ summary, security })) {
    if (text !== undefined && typeof text !== 'string') fail(key, 'text', text)
  }
}
