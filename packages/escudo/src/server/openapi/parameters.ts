import type { Components } from './components.ts'
import type { AnySchema, DocumentedRoute, JsonObject } from './description.ts'
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

/**
 * Makes the Parameter Objects of a route.
 *
 * @param names the names of the path's parameters in the document. Another route can have named the same places first
 */
export function parametersOf(
  { url, description = {} }: DocumentedRoute,
  names: readonly string[],
  components: Components,
): readonly JsonObject[] {
  const inPath = new Map(parametersIn(description.params).map(({ name, schema }) => [name, schema]))
  // The names of path parameters come from the pattern, because a schema may omit some. All of them are required.
  const path = pathTemplate(url).names.map((name, index) => ({
    name: names[index] ?? name,
    in: 'path',
    required: true,
    schema: components.schema(inPath.get(name) ?? { type: 'string' }),
  }))
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
  return [...path, ...others]
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
