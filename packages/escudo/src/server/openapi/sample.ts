import { isObject, propertiesOf } from './json-schema.ts'

// Example values for schemas. They are always the same, so that a document changes only when its routes change.

const DEPTH_MAX = 8
const LENGTH_MAX = 64

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-31',
  'date-time': '2026-01-31T12:00:00Z',
  time: '12:00:00Z',
  duration: 'PT1S',
  email: 'ana@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '123e4567-e89b-42d3-a456-426614174000',
}

/**
 * Makes an example value for a JSON Schema: its own example, constant or default, else a value of the right type.
 *
 * The value may not satisfy every check of the schema, such as a pattern.
 *
 * @param name the value of a string without a known format
 */
export function sampleOf(schema: unknown, name = 'text', depth = 0): unknown {
  if (!isObject(schema) || depth > DEPTH_MAX) return schema === true ? name : null
  if (Array.isArray(schema['examples']) && schema['examples'].length > 0) return schema['examples'][0]
  if ('example' in schema) return schema['example']
  if ('const' in schema) return schema['const']
  if ('default' in schema) return schema['default']
  if (Array.isArray(schema['enum'])) return schema['enum'][0]
  for (const key of ['anyOf', 'oneOf'] as const) {
    const choices = schema[key]
    if (Array.isArray(choices)) return sampleOf(choices.find(isNotNull) ?? choices[0], name, depth + 1)
  }
  if (Array.isArray(schema['allOf'])) {
    const parts = schema['allOf'].map((part) => sampleOf(part, name, depth + 1))
    return parts.every(isObject) ? Object.assign({}, ...parts) : parts[0]
  }
  return sampleOfType(schema, name, depth)
}

function sampleOfType(schema: Readonly<Record<string, unknown>>, name: string, depth: number): unknown {
  switch (typeIn(schema)) {
    case 'string':
      return textFor(schema, name)
    case 'number':
    case 'integer':
      return numberFor(schema)
    case 'boolean':
      return true
    case 'null':
      return null
    case 'array':
      return [sampleOf(schema['items'] ?? true, name, depth + 1)]
    case 'object':
      return Object.fromEntries(
        propertiesOf(schema)
          // An optional property is shown only if it has an example.
          .filter(([, property, required]) => required || 'examples' in property || 'example' in property)
          .map(([key, property]) => [key, sampleOf(property, key, depth + 1)]),
      )
    default:
      return name
  }
}

function typeIn(schema: Readonly<Record<string, unknown>>): unknown {
  const { type } = schema
  if (Array.isArray(type)) return type.find((name) => name !== 'null') ?? 'null'
  return type ?? ('properties' in schema ? 'object' : undefined)
}

function textFor({ format, minLength, maxLength }: Readonly<Record<string, unknown>>, name: string): string {
  const known = typeof format === 'string' && Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  const min = typeof minLength === 'number' ? Math.min(minLength, LENGTH_MAX) : 0
  const max = typeof maxLength === 'number' ? maxLength : LENGTH_MAX
  return known ?? name.padEnd(min, name === '' ? 'x' : name).slice(0, max)
}

function numberFor(schema: Readonly<Record<string, unknown>>): number {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  if (typeof multipleOf === 'number') return multipleOf
  if (typeof minimum === 'number' && minimum > 1) return minimum
  if (typeof exclusiveMinimum === 'number' && exclusiveMinimum >= 1) return Math.floor(exclusiveMinimum) + 1
  if (typeof maximum === 'number' && maximum < 1) return maximum
  if (typeof exclusiveMaximum === 'number' && exclusiveMaximum <= 1) return Math.ceil(exclusiveMaximum) - 1
  return 1
}

function isNotNull(schema: unknown): boolean {
  return !isObject(schema) || schema['type'] !== 'null'
}
