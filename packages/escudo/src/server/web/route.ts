import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys, wholeNumber } from '../../core/options/options.ts'
import { BODY_LIMIT } from '../json-body.ts'
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

// What a route of a framework of web standards declares.

/** What a route declares. */
export interface WebRouteInput extends RouteInput {
  /** The largest body, in bytes. Default 1 MiB. */
  readonly bodyLimit?: number
}

/** The validated parts of a request, with the output types of their schemas. */
export interface ValidatedParts<I extends RouteInput> {
  readonly body: PartOf<I, 'body'>
  readonly params: PartOf<I, 'params'>
  readonly query: PartOf<I, 'query'>
  readonly headers: PartOf<I, 'headers'>
}

/** A declaration, checked. */
export interface DeclaredRoute {
  readonly declared: DeclaredParts
  readonly hasBody: boolean
  readonly bodyLimit: number
}

/** Checks what a route declares. */
export function readRoute(input: WebRouteInput, handler: unknown): DeclaredRoute {
  knownKeys(input, 'route', [...ROUTE_INPUT_NAMES, 'bodyLimit'])
  checkRouteInput(input, 'route')
  const bodyLimit = input.bodyLimit ?? BODY_LIMIT
  wholeNumber(bodyLimit, 'route.bodyLimit', 1)
  if (typeof handler !== 'function') {
    throw new ConfigurationError('route.handler', `expected a function, got ${show(handler)}`)
  }
  return { declared: declaredParts(input), hasBody: input.body !== undefined, bodyLimit }
}

/** Validates the declared parts. Those without a schema are returned as the framework parsed them. */
export async function validatedParts(
  { declared }: DeclaredRoute,
  parts: Readonly<Record<RequestPart, unknown>>,
): Promise<Record<RequestPart, unknown>> {
  const values = await validateRequest(declared, (part) => parts[part])
  const validated = { ...parts }
  for (const [index, { part }] of declared.entries()) validated[part] = values[index]
  return validated
}

/** The query of a URL: text, or a list of texts for a name that occurs several times. */
export function queryOf(url: string): Readonly<Record<string, string | readonly string[]>> {
  const start = url.indexOf('?')
  const query = Object.create(null) as Record<string, string | string[]>
  if (start === -1) return query
  for (const [name, value] of new URLSearchParams(url.slice(start).split('#', 1)[0])) {
    const present = query[name]
    if (present === undefined) query[name] = value
    else if (typeof present === 'string') query[name] = [present, value]
    else present.push(value)
  }
  return query
}
