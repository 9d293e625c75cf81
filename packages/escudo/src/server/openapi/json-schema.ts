import { read } from '../../errors/safe-read.ts'
import { isStandardSchema } from '../../errors/standard-schema.ts'
import type { AnySchema, JsonObject } from './description.ts'

const DEPTH_MAX = 64

/**
 * A schema in its JSON form: what it takes (`input`) or what it gives (`output`). Empty, which means anything, for a
 * schema whose library cannot tell (Standard JSON Schema), and for what has no JSON form, as a date.
 */
export function jsonSchemaOf(schema: AnySchema | undefined, side: 'input' | 'output'): JsonObject {
  if (schema === undefined) return {}
  if (!isStandardSchema(schema)) return isObject(schema) ? schema : {}
  try {
    const { jsonSchema } = schema['~standard']
    const form = (jsonSchema?.[side] ?? jsonSchema?.output)?.({ target: 'draft-2020-12' })
    return isObject(form) ? form : {}
  } catch {
    return {}
  }
}

/** Whether something is an object with keys of its own. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The schemas of the properties, and which of them must be there. */
export function propertiesOf(schema: JsonObject): readonly (readonly [string, JsonObject, boolean])[] {
  const { properties, required } = schema
  if (!isObject(properties)) return []
  const names = Array.isArray(required) ? required : []
  return Object.entries(properties).map(([name, one]) => [name, isObject(one) ? one : {}, names.includes(name)])
}

/** Whether a schema refers to a part of itself, or of another one. */
export function hasReferences(schema: unknown, seen: Set<object> = new Set()): boolean {
  if (typeof schema !== 'object' || schema === null || seen.has(schema)) return false
  seen.add(schema)
  if (typeof read(schema, '$ref') === 'string') return true
  return Object.values(schema).some((value) => hasReferences(value, seen))
}

/**
 * A schema as it may stand in a document at `pointer`: its references count from the document's root, and not from its
 * own. One that leads out of it cannot be followed from here, and anything fits. So it does where an object holds
 * itself, which JSON cannot say.
 */
export function placedAt(schema: unknown, pointer: string, path: readonly object[] = []): unknown {
  if (typeof schema !== 'object' || schema === null) return schema
  if (path.length > DEPTH_MAX || path.includes(schema)) return {}
  const below = [...path, schema]
  if (Array.isArray(schema)) return schema.map((one) => placedAt(one, pointer, below))
  const placed: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema)) {
    if (key === '$schema' || key === '$id') continue
    if (key !== '$ref' || typeof value !== 'string') placed[key] = placedAt(value, pointer, below)
    else if (value.startsWith('#')) placed[key] = `${pointer}${value.slice(1)}`
  }
  return placed
}
