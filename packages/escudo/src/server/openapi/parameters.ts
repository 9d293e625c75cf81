import { describedRoute, type Operation } from './collected.ts'
import type { Components } from './components.ts'
import type { AnySchema, JsonObject } from './description.ts'
import { isObject, jsonSchemaOf, propertiesOf } from './json-schema.ts'
import { pathTemplate } from './path-template.ts'

// Header parameters with these names are ignored by OpenAPI (3.1, Parameter Object).
const RESERVED_HEADERS: readonly string[] = ['accept', 'content-type', 'authorization']

/** A parameter as a schema describes it. */
export interface Parameter {
  readonly name: string
  /** The schema of the value that a client sends. */
  readonly schema: JsonObject
  /** The schema of the value that the route receives; empty if it is not known. */
  readonly output: JsonObject
  readonly required: boolean
}

/** Lists the parameters that an object schema declares. */
export function parametersIn(schema: AnySchema | undefined): readonly Parameter[] {
  const outputs = new Map(propertiesOf(jsonSchemaOf(schema, 'output')).map(([name, output]) => [name, output]))
  return propertiesOf(jsonSchemaOf(schema, 'input')).map(([name, input, required]) => {
    const output = outputs.get(name) ?? {}
    return { name, schema: onTheWire(input, output), output, required }
  })
}

/** Makes the Parameter Objects of an operation. A parameter that a route declares replaces that of the tool. */
export function parametersOf(operation: Operation, components: Components): readonly JsonObject[] {
  const { names, collectedNames, parameters } = operation
  const { url, description } = describedRoute(operation)
  const declared = new Map(parametersIn(description.params).map(({ name, schema }) => [name, schema]))
  const declaredNames = pathTemplate(url).names
  // The names of path parameters come from the pattern, because a schema may omit some. All of them are required.
  const inPath = names.map((name, index) => {
    const schema = declared.get(declaredNames[index] ?? name)
    const { schema: known, content, ...found } = parameters.find(isPathParameter(collectedNames[index])) ?? {}
    if (schema === undefined && content !== undefined) return { ...found, name, in: 'path', required: true, content }
    const value = schema === undefined ? (known ?? { type: 'string' }) : components.schema(schema)
    return { ...found, name, in: 'path', required: true, schema: value }
  })
  const others = (['query', 'headers'] as const).flatMap((part) =>
    parametersIn(description[part])
      .filter(({ name }) => part === 'query' || !RESERVED_HEADERS.includes(name.toLowerCase()))
      .map(({ name, schema, required }) => ({
        name,
        in: part === 'query' ? 'query' : 'header',
        ...(required ? { required } : {}),
        schema: components.schema(schema),
      })),
  )
  const keys = new Set(others.map(keyOf))
  const kept = parameters.filter((parameter) => parameter['in'] !== 'path' && !keys.has(keyOf(parameter)))
  return [...inPath, ...kept, ...others]
}

/** Whether a request can have an invalid value of a parameter that only the tool knows. */
export function isCheckedByTool({ parameters, collectedNames, routes }: Operation): boolean {
  const hasDeclared = routes.some(({ description }) => description?.params !== undefined)
  return parameters.some((parameter) => {
    const { in: place, name, required, schema } = parameter
    if (place === 'path') {
      return !hasDeclared && collectedNames.includes(String(name)) && isObject(schema) && !acceptsAnyString(schema)
    }
    return required === true || !isObject(schema) || !acceptsAnyString(schema)
  })
}

/** Whether a schema accepts every text. */
export function acceptsAnyString(schema: JsonObject): boolean {
  const { type, ...checks } = schema
  return type === 'string' && isUnchecked(checks)
}

/** Whether a schema has no checks, as that of a transformation. */
export function isUnchecked(schema: JsonObject): boolean {
  return Object.keys(schema).every((key) => ANNOTATIONS.includes(key))
}

const ANNOTATIONS: readonly string[] = ['title', 'description', 'examples', 'example', 'default', 'deprecated']

const isPathParameter =
  (name: string | undefined) =>
  (parameter: JsonObject): boolean =>
    parameter['in'] === 'path' && parameter['name'] === name

/** Two parameters of a place are the same if they have one name. Names of headers match in any case. */
function keyOf({ in: place, name }: JsonObject): string {
  return `${place} ${place === 'header' ? String(name).toLowerCase() : String(name)}`
}

const FROM_TEXT: readonly unknown[] = ['integer', 'number', 'boolean', 'null']

/**
 * The schema of a parameter that a client sends as text. If the route receives a number or a boolean, that schema: it
 * has the bounds, which a schema of text cannot have.
 */
function onTheWire(input: JsonObject, output: JsonObject): JsonObject {
  if (!acceptsText(input) || !isReadFromText(output, input)) return input
  const { title, description, deprecated, default: byDefault, examples } = input
  const read = (value: unknown): unknown => {
    if (typeof value !== 'string') return value
    if (output['type'] === 'boolean') return value === 'true'
    // A word beside numbers stays a word.
    return Number.isNaN(Number(value)) ? value : Number(value)
  }
  const annotations = {
    title,
    description,
    deprecated,
    default: byDefault === undefined ? undefined : read(byDefault),
    examples: Array.isArray(examples) ? examples.map(read) : undefined,
  }
  const known = Object.entries(annotations).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(known), ...(isObject(output) ? output : {}) }
}

function acceptsText(schema: JsonObject): boolean {
  return [schema['type']].flat().includes('string') || membersOf(schema).some(acceptsText)
}

/** Whether a schema describes numbers and booleans, and apart from these only what the client can send as it is. */
function isReadFromText(output: JsonObject, input: JsonObject): boolean {
  const sent = new Set(membersOf(input).map((member) => JSON.stringify(member)))
  const members = membersOf(output)
  if (members.length === 0) return isScalar(output)
  return members.some(isScalar) && members.every((member) => isScalar(member) || sent.has(JSON.stringify(member)))
}

function isScalar(schema: JsonObject): boolean {
  return [schema['type']].flat().every((type) => FROM_TEXT.includes(type))
}

/** The members of a union. */
function membersOf({ anyOf, oneOf }: JsonObject): readonly JsonObject[] {
  const members = anyOf ?? oneOf
  return Array.isArray(members) ? members.filter(isObject) : []
}
