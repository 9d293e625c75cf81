import { describedRoute, type Operation } from './collected.ts'
import type { Components } from './components.ts'
import type { DocumentedRoute, JsonObject } from './description.ts'
import { jsonSchemaOf } from './json-schema.ts'
import type { ListedError } from './listed-error.ts'
import { parametersOf } from './parameters.ts'
import { responsesOf } from './responses.ts'

/**
 * Makes the Operation Object of the result. What a route declares comes before what the tool has found.
 *
 * @param listed the errors of the operation
 * @param common the errors of any route
 */
export function operationOf(
  operation: Operation,
  id: string,
  listed: readonly ListedError[],
  common: readonly ListedError[],
  components: Components,
): JsonObject {
  const { 'x-errors': _, operationId: __, parameters: ___, ...rest } = operation.collected
  const { summary, tags, security, body, response } = describedRoute(operation).description
  const parameters = parametersOf(operation, components)
  return {
    operationId: id,
    ...rest,
    ...(summary === undefined ? {} : { summary }),
    ...(tags === undefined ? {} : { tags }),
    ...(security === undefined ? {} : { security: [{ [security]: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: components.json(jsonSchemaOf(body, 'input')) } }),
    responses: responsesOf(rest['responses'], response, listed, common, components),
  }
}

/** Makes an operation id: `getItemsId` for `get` and `/items/{id}`. */
export function operationId(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/)
  const rest = words.filter((word) => word !== '').map((word) => word.charAt(0).toUpperCase() + word.slice(1))
  return [method, ...(rest.length === 0 ? ['Root'] : rest)].join('')
}

/** Whether a document can list a route. OpenAPI has these methods; HEAD is left out because it follows from GET. */
export function isDocumented({ method }: DocumentedRoute): boolean {
  return ['get', 'put', 'post', 'delete', 'options', 'patch', 'trace'].includes(method.toLowerCase())
}
