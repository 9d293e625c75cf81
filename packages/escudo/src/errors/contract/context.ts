import type { ErrorDefinition } from '../catalogue/definition.ts'
import { read } from '../safe-read.ts'
import type { StandardSchema } from '../standard-schema.ts'
import { type JsonValue, toJson } from '../to-json.ts'

/** What of a context may leave the service, and, where its schema found fault with it, what to log. */
export interface WireContext {
  readonly context: Readonly<Record<string, JsonValue>>
  /** Why the context was left out. */
  readonly problem?: string
}

const EMPTY: Readonly<Record<string, JsonValue>> = Object.freeze({})

/**
 * The declared part of a context as plain data. A context that fails its schema is left out: the error keeps its code
 * and status, since a 404 must not turn into a 500.
 */
export function wireContext(definition: ErrorDefinition, context: unknown): WireContext {
  const schema = definition.context
  if (schema === undefined) return { context: EMPTY }
  try {
    const result = schema['~standard'].validate(context ?? {})
    if (result instanceof Promise) {
      // Nobody waits for it here, so that a rejection must not become an unhandled one.
      result.catch(() => {})
      return { context: EMPTY, problem: 'the schema of a context must validate synchronously' }
    }
    if (result.issues !== undefined) {
      return { context: EMPTY, problem: `the context fails its schema: ${String(result.issues[0]?.message)}` }
    }
    const plain = toJson(declared(result.value, shapeOf(schema)))
    if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
      return { context: EMPTY, problem: 'the context is no object' }
    }
    return { context: plain as Readonly<Record<string, JsonValue>> }
  } catch (error) {
    return { context: EMPTY, problem: `the schema of the context threw: ${String(read(error, 'message'))}` }
  }
}

/** A JSON Schema, as far as it is read here. */
interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: unknown
  readonly items?: Shape
}

const shapes = new WeakMap<StandardSchema, Shape | undefined>()

/** What a schema says of itself, where its library can tell (Standard JSON Schema). */
function shapeOf(schema: StandardSchema): Shape | undefined {
  if (shapes.has(schema)) return shapes.get(schema)
  let shape: Shape | undefined
  try {
    shape = schema['~standard'].jsonSchema?.output({ target: 'draft-2020-12' })
  } catch {
    // Not every schema has a JSON form: then what `validate` gave is all that is known.
  }
  shapes.set(schema, shape)
  return shape
}

/** Drops what a schema does not declare. Some libraries strip such keys themselves, others let them through. */
function declared(value: unknown, shape: Shape | undefined): unknown {
  if (typeof value !== 'object' || value === null || shape === undefined) return value
  if (Array.isArray(value)) return shape.items === undefined ? value : value.map((item) => declared(item, shape.items))
  const { properties, additionalProperties } = shape
  // Where the schema says itself that anything may follow, all of it is declared.
  if (properties === undefined || (additionalProperties !== undefined && additionalProperties !== false)) return value
  const kept: Record<string, unknown> = {}
  for (const key of Object.keys(properties)) {
    if (Object.hasOwn(value, key)) kept[key] = declared(read(value, key), properties[key])
  }
  return kept
}
