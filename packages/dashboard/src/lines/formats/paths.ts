import { isJson, type Json } from '../log-fields.ts'

/** A field by its name, flat (`{"http.status":200}`) or nested (`{"http":{"status":200}}`). */
export interface Path {
  readonly flat: string
  readonly segments: readonly string[]
}

/** The canonical fields that a format, or `--field`, can name. */
export type FieldName =
  | 'time'
  | 'level'
  | 'service'
  | 'message'
  | 'trace'
  | 'span'
  | 'parent'
  | 'status'
  | 'method'
  | 'route'
  | 'path'
  | 'pid'
  | 'code'

/** Names of fields that are tried before the general ones. */
export type Names = Partial<Readonly<Record<FieldName, readonly Path[]>>>

/** Parses names with dots. */
export function paths(...names: readonly string[]): readonly Path[] {
  return names.map((name) => ({ flat: name, segments: name.split('.') }))
}

/** Returns the value of a field; undefined if there is none. Null counts as none. */
export function dig(json: Json, path: Path): unknown {
  const flat = json[path.flat]
  if (flat !== undefined || path.segments.length === 1) return flat ?? undefined
  let value: unknown = json
  for (const segment of path.segments) {
    if (!isJson(value)) return undefined
    value = value[segment]
  }
  return value ?? undefined
}

/** Returns the first value that `read` accepts. */
export function firstOf<T>(json: Json, names: readonly Path[], read: (value: unknown) => T | undefined): T | undefined {
  for (const path of names) {
    const value = read(dig(json, path))
    if (value !== undefined) return value
  }
  return undefined
}
