import type { ErrorDefinition } from '../catalogue/definition.ts'
import { ignoreRejection, isThenable } from '../options/synchronous.ts'
import { read } from '../safe-read.ts'
import type { StandardSchema } from '../standard-schema.ts'
import { type JsonValue, toJson } from '../to-json.ts'
import { declaredPart } from './declared-keys.ts'
import type { JsonSchema } from './json-schema-match.ts'
import { removesUndeclaredKeys } from './undeclared-probe.ts'

/** The part of a context that is sent to the client, and the problem to log if there is one. */
export interface WireContext {
  readonly context: Readonly<Record<string, JsonValue>>
  /** Why the context was omitted. */
  readonly problem?: string
}

/** The context of most errors. */
export const EMPTY_CONTEXT: Readonly<Record<string, JsonValue>> = Object.freeze({})

/**
 * The part of a context that its schema declares, as plain data.
 *
 * A context that fails its schema is omitted. The error keeps its code and status: a 404 must not turn into a 500.
 */
export function wireContext(definition: ErrorDefinition, context: unknown): WireContext {
  const schema = definition.context
  if (schema === undefined) return { context: EMPTY_CONTEXT }
  try {
    const given = context ?? {}
    const result = schema['~standard'].validate(given)
    if (isThenable(result)) {
      // The promise is not awaited, so its rejection would otherwise be unhandled.
      ignoreRejection(result)
      return { context: EMPTY_CONTEXT, problem: 'the schema of the context must validate synchronously' }
    }
    if (result.issues !== undefined) {
      return { context: EMPTY_CONTEXT, problem: `the context fails its schema: ${String(result.issues[0]?.message)}` }
    }
    const kept = declared(schema, result.value, given)
    if (kept === undefined) {
      return {
        context: EMPTY_CONTEXT,
        problem: 'the schema of the context keeps undeclared keys and has no JSON Schema',
      }
    }
    const plain = toJson(kept.part)
    if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
      return { context: EMPTY_CONTEXT, problem: 'the context is not an object' }
    }
    return { context: plain as Readonly<Record<string, JsonValue>> }
  } catch (error) {
    return { context: EMPTY_CONTEXT, problem: `the schema of the context threw: ${String(read(error, 'message'))}` }
  }
}

// Objects of these libraries keep declared keys only, unless the schema says otherwise, as `looseObject` does.
const REMOVING: readonly string[] = ['zod', 'valibot']

/**
 * The part of a validated context that the schema declares. Undefined if that cannot be proven.
 *
 * @param value what the schema returned
 * @param given what it validated
 */
function declared(schema: StandardSchema, value: unknown, given: unknown): { readonly part: unknown } | undefined {
  if (REMOVING.includes(schema['~standard'].vendor)) return { part: value }
  const shape = shapeOf(schema)
  if (shape !== undefined) return { part: declaredPart(value, shape) }
  return removesUndeclaredKeys(schema, given) ? { part: value } : undefined
}

const shapes = new WeakMap<StandardSchema, JsonSchema | undefined>()

/** The JSON Schema of a schema's output, if its library supports Standard JSON Schema. */
function shapeOf(schema: StandardSchema): JsonSchema | undefined {
  if (shapes.has(schema)) return shapes.get(schema)
  let shape: JsonSchema | undefined
  try {
    shape = schema['~standard'].jsonSchema?.output({ target: 'draft-2020-12' })
  } catch {
    // Not every schema has a JSON form.
  }
  shapes.set(schema, shape)
  return shape
}
