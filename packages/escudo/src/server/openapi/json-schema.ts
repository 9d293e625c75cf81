import { read } from '../../errors/safe-read.ts'
import { isStandardSchema } from '../../errors/standard-schema.ts'
import type { AnySchema, JsonObject } from './description.ts'

const DEPTH_MAX = 64

/**
 * Converts a schema to JSON Schema: of its input or of its output.
 *
 * The result, or a part of it, is empty, which accepts anything, if the schema's library does not implement Standard
 * JSON Schema, or if a value has no JSON form, such as a date.
 */
export function jsonSchemaOf(schema: AnySchema | undefined, side: 'input' | 'output'): JsonObject {
  if (schema === undefined) return {}
  if (!isStandardSchema(schema)) return isObject(schema) ? schema : {}
  const { jsonSchema } = schema['~standard']
  const convert = jsonSchema?.[side] ?? jsonSchema?.output
  // zod throws for a whole object if one of its values has no JSON form, such as a date, unless it is told not to.
  for (const libraryOptions of [{}, { unrepresentable: 'any' }]) {
    try {
      const converted = convert?.({ target: 'draft-2020-12', libraryOptions })
      return isObject(converted) ? converted : {}
    } catch {
      // Tried again with the library's option; a library that throws then has no JSON Schema for this value.
    }
  }
  return {}
}

/** Whether a value is an object and not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Lists the properties of an object schema: name, schema, and whether it is required. */
export function propertiesOf(schema: JsonObject): readonly (readonly [string, JsonObject, boolean])[] {
  const { properties, required } = schema
  if (!isObject(properties)) return []
  const names = Array.isArray(required) ? required : []
  return Object.entries(properties).map(([name, value]) => [name, isObject(value) ? value : {}, names.includes(name)])
}

/** Whether a schema contains a `$ref`. */
export function hasReferences(schema: unknown, seen: Set<object> = new Set()): boolean {
  if (typeof schema !== 'object' || schema === null || seen.has(schema)) return false
  seen.add(schema)
  if (typeof read(schema, '$ref') === 'string') return true
  return Object.values(schema).some((value) => hasReferences(value, seen))
}

/**
 * Copies a schema to the place `pointer` in a document, so that its references start at the document's root.
 *
 * A reference to another document is removed, so anything is accepted there. The same applies to an object that contains
 * itself, since JSON cannot express it, and below a depth of 64.
 */
export function rebaseReferences(schema: unknown, pointer: string, path: readonly object[] = []): unknown {
  if (typeof schema !== 'object' || schema === null) return schema
  if (path.length > DEPTH_MAX || path.includes(schema)) return {}
  const below = [...path, schema]
  if (Array.isArray(schema)) return schema.map((item) => rebaseReferences(item, pointer, below))
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema)) {
    if (key === '$schema' || key === '$id') continue
    if (key !== '$ref' || typeof value !== 'string') copy[key] = rebaseReferences(value, pointer, below)
    else if (value.startsWith('#')) copy[key] = `${pointer}${value.slice(1)}`
  }
  return copy
}
