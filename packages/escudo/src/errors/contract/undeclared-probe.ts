import { read } from '../safe-read.ts'
import type { StandardSchema } from '../standard-schema.ts'

// A schema library without Standard JSON Schema does not tell which keys it declares. It can be asked: a key that no
// schema declares is added to each object of a value that is valid.

const KEY = 'escudo_undeclared_key'
const OBJECTS_MAX = 64
const DEPTH_MAX = 8

type Path = readonly PropertyKey[]

/**
 * Whether a schema removes or rejects undeclared keys, in every object of this value.
 *
 * @param value a value that the schema accepts
 */
export function removesUndeclaredKeys(schema: StandardSchema, value: unknown): boolean {
  const paths: Path[] = []
  if (!collect(value, [], paths)) return false
  return paths.every((path) => {
    const result = schema['~standard'].validate(withKey(value, path))
    if (result instanceof Promise) {
      result.catch(() => {})
      return false
    }
    return result.issues !== undefined || !contains(result.value, 0)
  })
}

/** Collects the paths of all objects. False if there are too many. */
function collect(value: unknown, path: Path, found: Path[]): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (path.length > DEPTH_MAX || found.length >= OBJECTS_MAX) return false
  if (!Array.isArray(value)) found.push(path)
  return Object.keys(value).every((key) => collect(read(value, key), [...path, key], found))
}

function withKey(value: unknown, [key, ...rest]: Path): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (key === undefined) return { ...value, [KEY]: KEY }
  const copy = Array.isArray(value) ? [...value] : { ...value }
  ;(copy as Record<PropertyKey, unknown>)[key] = withKey(read(value, key), rest)
  return copy
}

function contains(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth > DEPTH_MAX || Object.hasOwn(value, KEY)) return true
  return Object.keys(value).some((key) => contains(read(value, key), depth + 1))
}
