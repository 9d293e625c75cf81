import { read } from '../safe-read.ts'

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown }

/** Whether a value matches a schema. `unknown`: the schema has a keyword that is not evaluated here. */
export type Match = 'yes' | 'no' | 'unknown'

/** The most steps for one value: a hostile value or a schema of nested unions must not block the process. */
const STEPS_MAX = 20_000

type Check = (value: unknown, expected: unknown, schema: Readonly<Record<string, unknown>>) => boolean

const isNumber = (value: unknown): value is number => typeof value === 'number'
const isText = (value: unknown): value is string => typeof value === 'string'
const onNumbers =
  (check: (value: number, bound: number) => boolean): Check =>
  (value, bound) =>
    !isNumber(value) || !isNumber(bound) || check(value, bound)
const onLengths =
  (lengthOf: (value: unknown) => number | undefined, check: (length: number, bound: number) => boolean): Check =>
  (value, bound) => {
    const length = lengthOf(value)
    return length === undefined || !isNumber(bound) || check(length, bound)
  }
const characters = (value: unknown): number | undefined => (isText(value) ? [...value].length : undefined)
const items = (value: unknown): number | undefined => (Array.isArray(value) ? value.length : undefined)

// Keywords about the value itself, not about what it contains.
const CHECKS: Readonly<Record<string, Check>> = {
  type: (value, type) => (Array.isArray(type) ? type : [type]).some((name) => isOfType(value, name)),
  const: (value, constant) => isSame(value, constant),
  enum: (value, choices) => Array.isArray(choices) && choices.some((choice) => isSame(value, choice)),
  minimum: onNumbers((value, bound) => value >= bound),
  maximum: onNumbers((value, bound) => value <= bound),
  exclusiveMinimum: onNumbers((value, bound) => value > bound),
  exclusiveMaximum: onNumbers((value, bound) => value < bound),
  multipleOf: onNumbers((value, divisor) => Number.isInteger(value / divisor)),
  minLength: onLengths(characters, (length, bound) => length >= bound),
  maxLength: onLengths(characters, (length, bound) => length <= bound),
  minItems: onLengths(items, (length, bound) => length >= bound),
  maxItems: onLengths(items, (length, bound) => length <= bound),
  pattern: (value, pattern) => !isText(value) || matchesPattern(value, pattern),
  required: (value, names) =>
    !isRecord(value) || !Array.isArray(names) || names.every((name) => isText(name) && Object.hasOwn(value, name)),
}

// Keywords that are evaluated together with the contents of the value, or that check nothing.
const CONTENTS = ['properties', 'patternProperties', 'additionalProperties', 'items', 'prefixItems']
const ANNOTATIONS = [
  '$schema',
  '$id',
  '$defs',
  'definitions',
  '$comment',
  'title',
  'description',
  'examples',
  'default',
  'deprecated',
  'readOnly',
]
// The pattern or type beside a format checks the value.
const IGNORED: ReadonlySet<string> = new Set([...CONTENTS, ...ANNOTATIONS, 'format'])

/** Evaluates a JSON Schema as far as the choice between the members of a union needs it. One object per value. */
export class Matcher {
  readonly #root: JsonSchema
  #steps = 0

  constructor(root: JsonSchema) {
    this.#root = root
  }

  /** Counts a step. @throws RangeError above the limit */
  step(): void {
    this.#steps += 1
    if (this.#steps > STEPS_MAX) throw new RangeError('the context is too large to compare with its schema')
  }

  /** Follows a `$ref` inside the schema's document. Undefined if it leads nowhere. */
  resolve(schema: unknown): JsonSchema | undefined {
    let current: unknown = schema
    for (let hops = 0; hops < 32; hops += 1) {
      if (typeof current === 'boolean') return current
      if (!isRecord(current)) return undefined
      const reference = current['$ref']
      if (!isText(reference)) return current
      if (!reference.startsWith('#')) return undefined
      const keys = reference.slice(1).split('/').slice(1)
      current = keys
        .map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'))
        .reduce<unknown>(read, this.#root)
    }
    return undefined
  }

  match(value: unknown, reference: unknown): Match {
    this.step()
    const schema = this.resolve(reference)
    if (schema === undefined) return 'unknown'
    if (typeof schema === 'boolean') return schema ? 'yes' : 'no'
    const matches = Object.entries(schema).map(([keyword, expected]) => this.#keyword(value, keyword, expected, schema))
    return worst([...matches, ...this.#contents(value, schema)])
  }

  #keyword(value: unknown, keyword: string, expected: unknown, schema: Readonly<Record<string, unknown>>): Match {
    const check = Object.hasOwn(CHECKS, keyword) ? CHECKS[keyword] : undefined
    if (check !== undefined) return check(value, expected, schema) ? 'yes' : 'no'
    if (IGNORED.has(keyword)) return 'yes'
    if (!Array.isArray(expected)) return 'unknown'
    const members = (): readonly Match[] => expected.map((member) => this.match(value, member))
    if (keyword === 'allOf') return worst(members())
    if (keyword === 'anyOf' || keyword === 'oneOf') return best(members())
    return 'unknown'
  }

  #contents(value: unknown, schema: Readonly<Record<string, unknown>>): readonly Match[] {
    if (Array.isArray(value)) {
      return value.map((item, index) => worst(itemSchemas(schema, index).map((member) => this.match(item, member))))
    }
    if (!isRecord(value)) return []
    return Object.keys(value).map((key) => {
      const item = read(value, key)
      const { declared, isForbidden } = propertySchemas(schema, key)
      // A key that is present and undefined is absent in JSON.
      if (item === undefined) return 'yes'
      return isForbidden ? 'no' : worst(declared.map((member) => this.match(item, member)))
    })
  }
}

/** The schemas that an object schema declares for a key, and whether it forbids the key. */
export function propertySchemas(
  schema: Readonly<Record<string, unknown>>,
  key: string,
): { readonly declared: readonly unknown[]; readonly isForbidden: boolean } {
  const { properties, patternProperties, additionalProperties } = schema
  const declared: unknown[] = []
  if (isRecord(properties) && Object.hasOwn(properties, key)) declared.push(properties[key])
  if (isRecord(patternProperties)) {
    for (const [pattern, member] of Object.entries(patternProperties)) {
      if (matchesPattern(key, pattern)) declared.push(member)
    }
  }
  if (declared.length > 0) return { declared, isForbidden: false }
  if (additionalProperties === false) return { declared, isForbidden: true }
  return { declared: additionalProperties === undefined ? [] : [additionalProperties], isForbidden: false }
}

/** Whether a schema checks nothing and so declares everything. */
export function isEmpty(schema: JsonSchema): boolean {
  return schema === true || (isRecord(schema) && Object.keys(schema).every((keyword) => ANNOTATIONS.includes(keyword)))
}

/** Whether a schema says something about what a value contains. */
export function describesContents(schema: Readonly<Record<string, unknown>>): boolean {
  return CONTENTS.some((keyword) => keyword in schema)
}

/** The schemas that an array schema declares for an item. An array schema without them accepts any items. */
export function itemSchemas(schema: Readonly<Record<string, unknown>>, index: number): readonly unknown[] {
  const { prefixItems, items: rest = true } = schema
  return [Array.isArray(prefixItems) && index < prefixItems.length ? prefixItems[index] : rest]
}

/** Whether a value is an object and not an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOfType(value: unknown, name: unknown): boolean {
  if (name === 'null') return value === null
  if (name === 'array') return Array.isArray(value)
  if (name === 'object') return isRecord(value)
  if (name === 'integer') return Number.isInteger(value)
  const type: string = typeof value
  return type === name
}

function isSame(value: unknown, constant: unknown): boolean {
  return (
    value === constant || (isRecord(constant) && isRecord(value) && JSON.stringify(value) === JSON.stringify(constant))
  )
}

function matchesPattern(text: string, pattern: unknown): boolean {
  try {
    return new RegExp(String(pattern), 'u').test(text)
  } catch {
    return false
  }
}

function worst(matches: readonly Match[]): Match {
  if (matches.includes('no')) return 'no'
  return matches.includes('unknown') ? 'unknown' : 'yes'
}

function best(matches: readonly Match[]): Match {
  if (matches.includes('yes')) return 'yes'
  return matches.includes('unknown') ? 'unknown' : 'no'
}
