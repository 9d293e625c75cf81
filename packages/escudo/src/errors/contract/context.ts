import type { ErrorDefinition } from '../catalogue/definition.ts'
import { ignoreRejection, isThenable } from '../options/synchronous.ts'
import { read } from '../safe-read.ts'
import type { StandardSchema } from '../standard-schema.ts'
import { type JsonValue, toJson } from '../to-json.ts'

/** The part of a context that is sent to the client, and the problem to log if there is one. */
export interface WireContext {
  readonly context: Readonly<Record<string, JsonValue>>
  /** Why the context was omitted. */
  readonly problem?: string
}

const EMPTY: Readonly<Record<string, JsonValue>> = Object.freeze({})

/**
 * The part of a context that its schema declares, as plain data.
 *
 * A context that fails its schema is omitted. The error keeps its code and status: a 404 must not turn into a 500.
 */
export function wireContext(definition: ErrorDefinition, context: unknown): WireContext {
  const schema = definition.context
  if (schema === undefined) return { context: EMPTY }
  try {
    const result = schema['~standard'].validate(context ?? {})
    if (isThenable(result)) {
      // The promise is not awaited, so its rejection would otherwise be unhandled.
      ignoreRejection(result)
      return { context: EMPTY, problem: 'the schema of the context must validate synchronously' }
    }
    if (result.issues !== undefined) {
      return { context: EMPTY, problem: `the context fails its schema: ${String(result.issues[0]?.message)}` }
    }
    const plain = toJson(declared(result.value, shapeOf(schema)))
    if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
      return { context: EMPTY, problem: 'the context is not an object' }
    }
    return { context: plain as Readonly<Record<string, JsonValue>> }
  } catch (error) {
    return { context: EMPTY, problem: `the schema of the context threw: ${String(read(error, 'message'))}` }
  }
}

/** The part of a JSON Schema that is read here. */
interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: unknown
  readonly items?: Shape
}

const shapes = new WeakMap<StandardSchema, Shape | undefined>()

/** The JSON Schema of a schema, if its library supports Standard JSON Schema. */
function shapeOf(schema: StandardSchema): Shape | undefined {
  if (shapes.has(schema)) return shapes.get(schema)
  let shape: Shape | undefined
  try {
    shape = schema['~standard'].jsonSchema?.output({ target: 'draft-2020-12' })
  } catch {
    // Not every schema has a JSON form. The result of `validate` is then used as it is.
  }
  shapes.set(schema, shape)
  return shape
}

/** Drops keys that a schema does not declare. Some schema libraries keep them. */
function declared(value: unknown, shape: Shape | undefined): unknown {
  if (typeof value !== 'object' || value === null || shape === undefined) return value
  if (Array.isArray(value)) return shape.items === undefined ? value : value.map((item) => declared(item, shape.items))
  const { properties, additionalProperties } = shape
  // A schema that allows additional properties declares all of them.
  if (properties === undefined || (additionalProperties !== undefined && additionalProperties !== false)) return value
  const kept: Record<string, unknown> = {}
  for (const key of Object.keys(properties)) {
    if (Object.hasOwn(value, key)) kept[key] = declared(read(value, key), properties[key])
  }
  return kept
}
