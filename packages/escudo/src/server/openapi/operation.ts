import { isStandardSchema } from '../../errors/standard-schema.ts'
import { phraseOf } from '../../errors/status.ts'
import { COMMON_RESPONSE, type Components } from './components.ts'
import type { AnySchema, DocumentedRoute, JsonObject, RouteDescription } from './description.ts'
import { jsonSchemaOf } from './json-schema.ts'
import type { ListedError } from './listed-error.ts'
import { parametersOf } from './parameters.ts'
import { pathTemplate } from './path-template.ts'

/**
 * Makes the Operation Object of a route.
 *
 * @param names the names of the path's parameters in the document, in order
 * @param listed the errors of the route
 * @param common the errors of any route. Those with a status that the route lists are added to that status, because
 * `default` covers only statuses that are not listed
 */
export function operationOf(
  route: DocumentedRoute,
  id: string,
  names: readonly string[],
  listed: readonly ListedError[],
  common: readonly ListedError[],
  components: Components,
): JsonObject {
  const { summary, tags, security } = route.description ?? {}
  const parameters = parametersOf(route, names, components)
  return {
    operationId: id,
    ...(summary === undefined ? {} : { summary }),
    ...(tags === undefined ? {} : { tags }),
    ...(security === undefined ? {} : { security: [{ [security]: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...bodyOf(route.description?.body, components),
    responses: {
      ...successes(route.description?.response, components),
      ...failures(listed, common, components),
      default: { $ref: `#/components/responses/${COMMON_RESPONSE}` },
    },
  }
}

/** Makes an operation id: `getItemsId` for `GET /items/:id`. */
export function operationId({ method, url }: DocumentedRoute): string {
  const words = pathTemplate(url).path.split(/[^A-Za-z0-9]+/)
  const rest = words.filter((word) => word !== '').map((word) => word.charAt(0).toUpperCase() + word.slice(1))
  return [method.toLowerCase(), ...(rest.length === 0 ? ['Root'] : rest)].join('')
}

function bodyOf(body: AnySchema | undefined, components: Components): JsonObject {
  if (body === undefined) return {}
  return { requestBody: { required: true, content: components.json(jsonSchemaOf(body, 'input')) } }
}

function successes(response: RouteDescription['response'], components: Components): JsonObject {
  if (response === undefined) return { '2XX': components.successResponse('Success.', undefined) }
  const byStatus = isByStatus(response) ? Object.entries(response) : [['200', response] as const]
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

/** Whether a document can list a route. OpenAPI has these methods; HEAD is left out because it follows from GET. */
export function isDocumented({ method }: DocumentedRoute): boolean {
  return ['get', 'put', 'post', 'delete', 'options', 'patch', 'trace'].includes(method.toLowerCase())
}
