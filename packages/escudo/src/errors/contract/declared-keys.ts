import { read } from '../safe-read.ts'
import { toJson } from '../to-json.ts'
import {
  describesContents,
  isEmpty,
  isRecord,
  itemSchemas,
  type JsonSchema,
  type Match,
  Matcher,
  propertySchemas,
} from './json-schema-match.ts'

const DEPTH_MAX = 8

const COMBINATIONS = ['allOf', 'anyOf', 'oneOf']

/**
 * Copies the part of a value that a JSON Schema declares. Schemas of some libraries accept and keep undeclared keys.
 *
 * A key is declared if `properties`, `patternProperties` or `additionalProperties` of the schema covers it. Of a union,
 * only the members that the value matches count. An object schema that declares no key keeps none; an empty schema
 * declares everything.
 *
 * @throws RangeError for a value that is too large to compare
 */
export function declaredPart(value: unknown, schema: JsonSchema): unknown {
  return new Filter(schema).keep(value, [schema], 0)
}

class Filter {
  readonly #matcher: Matcher
  readonly #path = new Set<object>()

  constructor(root: JsonSchema) {
    this.#matcher = new Matcher(root)
  }

  /** @param schemas the schemas that apply: what one of them declares is kept */
  keep(raw: unknown, schemas: readonly unknown[], depth: number): unknown {
    this.#matcher.step()
    if (typeof raw !== 'object' || raw === null) return raw
    if (this.#path.has(raw)) return '[circular]'
    if (depth > DEPTH_MAX) return '[truncated]'
    const value = hasJsonForm(raw) ? toJson(raw) : raw
    if (typeof value !== 'object' || value === null) return value
    const applied = schemas.flatMap((schema) => this.#applied(schema, value))
    if (applied.includes(true)) return value
    const objects = applied.filter(isRecord)
    this.#path.add(raw)
    try {
      return Array.isArray(value) ? this.#items(value, objects, depth) : this.#properties(value, objects, depth)
    } finally {
      this.#path.delete(raw)
    }
  }

  /** The schemas without combinations that apply to a value. True: a schema that declares everything. */
  #applied(reference: unknown, value: object): readonly (Readonly<Record<string, unknown>> | true)[] {
    this.#matcher.step()
    const schema = this.#matcher.resolve(reference)
    if (schema === undefined || schema === false) return []
    if (schema === true || isEmpty(schema)) return [true]
    const all = Array.isArray(schema['allOf']) ? schema['allOf'] : []
    const chosen = ['anyOf', 'oneOf'].flatMap((keyword) => this.#chosen(schema[keyword], value))
    const members = [...all, ...chosen].flatMap((member) => this.#applied(member, value))
    // A schema with combinations can also describe contents itself.
    return COMBINATIONS.some((keyword) => keyword in schema) && !describesContents(schema)
      ? members
      : [schema, ...members]
  }

  /**
   * The members of a union that a value matches. One that cannot be evaluated counts only if it is the only one, and an
   * empty one only if no other matches: ArkType has an empty schema for what JSON Schema cannot express, such as a date.
   */
  #chosen(union: unknown, value: object): readonly unknown[] {
    if (!Array.isArray(union)) return []
    const matches = union.map((member) => [member, this.#matcher.match(value, member)] as const)
    const matching = (wanted: Match, isOpen: boolean): readonly (typeof matches)[number][] =>
      matches.filter(
        ([member, match]) => match === wanted && isEmpty(this.#matcher.resolve(member) ?? false) === isOpen,
      )
    const certain = matching('yes', false)
    const possible = matching('unknown', false)
    if (certain.length > 0) return certain.map(([member]) => member)
    if (possible.length > 0) return possible.length === 1 ? possible.map(([member]) => member) : []
    return matching('yes', true).map(([member]) => member)
  }

  #items(value: readonly unknown[], schemas: readonly Readonly<Record<string, unknown>>[], depth: number): unknown[] {
    const describing = schemas.filter((schema) => 'items' in schema || 'prefixItems' in schema)
    return value.flatMap((item, index) => {
      const declared = (describing.length === 0 ? schemas : describing)
        .flatMap((schema) => itemSchemas(schema, index))
        .filter((schema) => schema !== false)
      return declared.length === 0 ? [] : [this.keep(item, declared, depth + 1)]
    })
  }

  #properties(value: object, schemas: readonly Readonly<Record<string, unknown>>[], depth: number): unknown {
    // No prototype, so that `__proto__` is an ordinary key.
    const kept: Record<string, unknown> = Object.create(null)
    for (const key of keysOf(value, schemas)) {
      this.#matcher.step()
      const declared = schemas.flatMap((schema) => propertySchemas(schema, key).declared)
      if (declared.length > 0) kept[key] = this.keep(read(value, key), declared, depth + 1)
    }
    return kept
  }
}

/** The keys to look at. Those of the value only if the schemas declare keys by a pattern: a value can have many. */
function keysOf(value: object, schemas: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  const isListed = schemas.every(
    ({ patternProperties, additionalProperties = false }) =>
      patternProperties === undefined && additionalProperties === false,
  )
  if (!isListed) return Object.keys(value)
  const names = schemas.flatMap(({ properties }) => (isRecord(properties) ? Object.keys(properties) : []))
  return [...new Set(names)].filter((name) => Object.hasOwn(value, name))
}

function hasJsonForm(value: object): boolean {
  return typeof read(value, 'toJSON') === 'function' || value instanceof Map || value instanceof Set
}
