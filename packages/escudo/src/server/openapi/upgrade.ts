import type { JsonObject } from './description.ts'
import { isObject } from './json-schema.ts'

// Converts an OpenAPI 3.0 document to 3.1. Only schemas differ. They are found by their places, so that an example or an
// extension that looks like a schema stays as it is.

const DEPTH_MAX = 64
const METHODS: readonly string[] = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

/** Whether a key of a Path Item Object is a method. */
export function isMethod(key: string): boolean {
  return METHODS.includes(key)
}

/**
 * Copies a document, with its schemas in the form of OpenAPI 3.1 (JSON Schema 2020-12).
 *
 * Also for a document that claims to be 3.1: tools write `nullable` into it.
 */
export function upgraded(document: JsonObject): JsonObject {
  const { paths, webhooks, components } = document
  return {
    ...document,
    paths: eachOf(paths, pathItem),
    ...(isObject(webhooks) ? { webhooks: eachOf(webhooks, pathItem) } : {}),
    ...(isObject(components) ? { components: upgradedComponents(components) } : {}),
  }
}

type Convert = (value: JsonObject) => JsonObject

/** Converts the values of an object. A value that is no object is left out: OpenAPI has none at these places. */
function eachOf(value: unknown, convert: Convert): JsonObject {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (isObject(inner) ? [[key, convert(inner)]] : [])),
  )
}

/** Copies an object with some of its fields converted. */
function withFields(value: JsonObject, fields: Readonly<Record<string, (value: unknown) => unknown>>): JsonObject {
  const changed = Object.entries(fields).filter(([name]) => value[name] !== undefined)
  return { ...value, ...Object.fromEntries(changed.map(([name, convert]) => [name, convert(value[name])])) }
}

const listOf =
  (convert: Convert) =>
  (value: unknown): unknown =>
    Array.isArray(value) ? value.filter(isObject).map(convert) : []
const mapOf =
  (convert: Convert) =>
  (value: unknown): unknown =>
    eachOf(value, convert)

function upgradedComponents(components: JsonObject): JsonObject {
  return withFields(components, {
    schemas: mapOf(schemaObject),
    parameters: mapOf(parameter),
    headers: mapOf(parameter),
    requestBodies: mapOf(withContent),
    responses: mapOf(response),
    callbacks: mapOf(callback),
    pathItems: mapOf(pathItem),
  })
}

function pathItem(item: JsonObject): JsonObject {
  const methods = Object.keys(item).filter((key) => isMethod(key) && isObject(item[key]))
  const operations = methods.map((key) => [key, operation(item[key] as JsonObject)])
  return { ...withFields(item, { parameters: listOf(parameter) }), ...Object.fromEntries(operations) }
}

function operation(value: JsonObject): JsonObject {
  return withFields(value, {
    parameters: listOf(parameter),
    requestBody: (body) => (isObject(body) ? withContent(body) : body),
    responses: mapOf(response),
    callbacks: mapOf(callback),
  })
}

function callback(value: JsonObject): JsonObject {
  return eachOf(value, pathItem)
}

function parameter(value: JsonObject): JsonObject {
  return withFields(withContent(value), { schema: schemaAt })
}

function response(value: JsonObject): JsonObject {
  return withFields(withContent(value), { headers: mapOf(parameter) })
}

function withContent(value: JsonObject): JsonObject {
  return withFields(value, { content: mapOf((media) => withFields(media, { schema: schemaAt })) })
}

const schemaAt = (value: unknown): unknown => schemaIn(value, [])

function schemaObject(schema: JsonObject): JsonObject {
  return schemaIn(schema, []) as JsonObject
}

const MAPS: readonly string[] = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']
const LISTS: readonly string[] = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
const SINGLE: readonly string[] = [
  'items',
  'additionalProperties',
  'not',
  'if',
  'then',
  'else',
  'contains',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
]

/** @param path the schemas around it. JSON cannot express one that contains itself: anything is accepted there */
function schemaIn(schema: unknown, path: readonly object[]): unknown {
  if (!isObject(schema)) return schema
  if (path.includes(schema)) return {}
  if (path.length > DEPTH_MAX) return schema
  const below = [...path, schema]
  const inner = (value: unknown): unknown => schemaIn(value, below)
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema)) {
    if (MAPS.includes(key) && isObject(value)) {
      copy[key] = Object.fromEntries(Object.entries(value).map(([name, property]) => [name, inner(property)]))
    } else if (LISTS.includes(key) && Array.isArray(value)) copy[key] = value.map(inner)
    else copy[key] = SINGLE.includes(key) ? inner(value) : value
  }
  return nullable(encoded(examples(bounds(copy))))
}

/** In 3.0, a bound is exclusive by a boolean beside it. */
function bounds(schema: Record<string, unknown>): Record<string, unknown> {
  for (const [exclusive, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    const flag = schema[exclusive]
    if (typeof flag !== 'boolean') continue
    delete schema[exclusive]
    if (!flag || typeof schema[bound] !== 'number') continue
    schema[exclusive] = schema[bound]
    delete schema[bound]
  }
  return schema
}

function examples(schema: Record<string, unknown>): Record<string, unknown> {
  if (!('example' in schema)) return schema
  const { example, ...rest } = schema
  return { examples: [example], ...rest }
}

/** In 3.0, bytes are text with a format. */
function encoded(schema: Record<string, unknown>): Record<string, unknown> {
  const { format, ...rest } = schema
  if (schema['type'] !== 'string') return schema
  if (format === 'binary') return { ...rest, contentMediaType: 'application/octet-stream' }
  if (format === 'byte' || format === 'base64') return { ...rest, contentEncoding: 'base64' }
  return schema
}

function nullable(schema: Record<string, unknown>): Record<string, unknown> {
  if (!('nullable' in schema)) return schema
  const { nullable: isNullable, ...rest } = schema
  if (isNullable !== true) return rest
  const { type } = rest
  // Without a type, 3.0 gives `nullable` no meaning. Tools write it beside a reference to say that null is possible.
  if (type === undefined) return Object.keys(rest).length === 0 ? {} : { anyOf: [rest, { type: 'null' }] }
  const types = [type].flat()
  const choices = rest['enum']
  return {
    ...rest,
    type: types.includes('null') ? type : [...types, 'null'],
    ...(Array.isArray(choices) && !choices.includes(null) ? { enum: [...choices, null] } : {}),
  }
}
