import type { DocumentedRoute, JsonObject, RouteDescription } from './description.ts'

/** An operation of the document that a tool has made, with what its routes declare. */
export interface Operation {
  /** In lower case. */
  readonly method: string
  /** Its name in messages, such as `GET /items/:id`. */
  readonly label: string
  /** The Operation Object that the tool has made. */
  readonly collected: JsonObject
  /** The Parameter Objects of the tool: without references, and with those of the path. */
  readonly parameters: readonly JsonObject[]
  /** The names of the path's parameters as the tool has them, in order. */
  readonly collectedNames: readonly string[]
  /** The names of the path's parameters in the result. Another operation can have named the same places first. */
  readonly names: readonly string[]
  /** The routes with this method and path, such as two versions. */
  readonly routes: readonly DocumentedRoute[]
  /** The names of its security schemes. */
  readonly security: readonly string[]
}

/** The first route that declares something. It describes the inputs and successes of the operation. */
export function describedRoute({ routes }: Operation): {
  readonly url: string
  readonly description: RouteDescription
} {
  const found = routes.find(({ description }) => description !== undefined)
  return { url: found?.url ?? routes[0]?.url ?? '/', description: found?.description ?? {} }
}
