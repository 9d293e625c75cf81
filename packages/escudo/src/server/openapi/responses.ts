import { isStandardSchema } from '../../errors/standard-schema.ts'
import { phraseOf } from '../../errors/status.ts'
import { COMMON_RESPONSE, type Components } from './components.ts'
import type { AnySchema, JsonObject, RouteDescription } from './description.ts'
import { isObject, jsonSchemaOf } from './json-schema.ts'
import type { ListedError } from './listed-error.ts'

/**
 * Makes the Responses Object of an operation.
 *
 * @param collected the one that a tool has made, if any
 * @param declared the schemas of successes that the route declares. They replace those of the tool
 * @param listed the errors of the operation
 * @param common the errors of any route. Those with a status that the operation lists are added to that status, because
 * `default` covers only statuses that are not listed
 */
export function responsesOf(
  collected: unknown,
  declared: RouteDescription['response'],
  listed: readonly ListedError[],
  common: readonly ListedError[],
  components: Components,
): JsonObject {
  const found = Object.entries(isObject(collected) ? collected : {}).flatMap(([status, response]) =>
    isObject(response) ? [[status.toUpperCase(), response] as const] : [],
  )
  // A tool that knows nothing of a response may still invent an empty one.
  const successes = found.filter(([status, response]) => /^[123]/.test(status) && Object.keys(response).length > 0)
  const errors = failures(listed, common, components)
  const others = found.filter(([status]) => /^[45]/.test(status) && !Object.hasOwn(errors, status))
  return {
    ...(declared === undefined ? kept(successes, components) : declaredSuccesses(declared, successes, components)),
    ...errors,
    ...Object.fromEntries(others.map(([status, response]) => [status, components.anyError(textOf(response))])),
    default: { $ref: `#/components/responses/${COMMON_RESPONSE}` },
  }
}

type Found = readonly (readonly [string, JsonObject])[]

function kept(successes: Found, components: Components): JsonObject {
  if (successes.length === 0) return { '2XX': components.successResponse('Success.', undefined) }
  return Object.fromEntries(successes.map(([status, response]) => [status, components.tracedResponse(response)]))
}

function declaredSuccesses(
  declared: NonNullable<RouteDescription['response']>,
  successes: Found,
  components: Components,
): JsonObject {
  // Nest answers a POST with 201 unless it is told otherwise, and its tool knows.
  const [only, ...more] = successes.filter(([status]) => /^2\d\d$/.test(status))
  const status = only === undefined || more.length > 0 ? '200' : only[0]
  const byStatus = isByStatus(declared) ? Object.entries(declared) : [[status, declared] as const]
  return Object.fromEntries(
    byStatus.map(([status, schema]) => [
      status,
      components.successResponse(SUCCESS[status] ?? 'Success.', jsonSchemaOf(schema as unknown as AnySchema, 'output')),
    ]),
  )
}

const SUCCESS: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content' }

function isByStatus(response: object): boolean {
  const keys = Object.keys(response)
  return !isStandardSchema(response) && keys.length > 0 && keys.every((key) => /^[23](\d\d|XX)$/i.test(key))
}

function textOf({ description }: JsonObject): string {
  return typeof description === 'string' && description !== '' ? description : 'Error.'
}

function failures(listed: readonly ListedError[], common: readonly ListedError[], components: Components): JsonObject {
  const statuses = new Set([...listed.map(({ status }) => status), 500])
  const names = new Set(listed.map(({ name }) => name))
  const all = [...listed, ...common.filter(({ name, status }) => statuses.has(status) && !names.has(name))]
  // JavaScript orders integer keys by number, so the statuses need no sorting.
  return Object.fromEntries(
    [...statuses].map((status) => {
      const errors = all.filter((error) => error.status === status)
      const codes = [...new Set(errors.map(({ code }) => `\`${code}\``))]
      return [status, components.errorResponse(`${phraseOf(status)}: ${codes.join(', ')}`, errors)]
    }),
  )
}
