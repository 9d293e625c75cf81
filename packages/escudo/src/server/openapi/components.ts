import type { JsonObject } from './description.ts'
import { codeSchema, PROBLEM } from './error-schemas.ts'
import { hasReferences, placedAt } from './json-schema.ts'
import type { ListedError } from './listed-error.ts'
import { sampleOf } from './sample.ts'

const HEADERS: Readonly<Record<string, JsonObject>> = {
  'X-Trace-ID': {
    description: 'The trace of the request, on every response.',
    schema: { type: 'string', pattern: '^[0-9a-f]{32}$' },
  },
  'Retry-After': {
    description: 'Whole seconds until it makes sense to come back; left out where the service does not know.',
    schema: { type: 'integer', minimum: 1 },
  },
}
const TRACE_ID = { 'X-Trace-ID': { $ref: '#/components/headers/X-Trace-ID' } } as const
const RETRY_AFTER = { 'Retry-After': { $ref: '#/components/headers/Retry-After' } } as const

/** Where the errors stand that any request can meet. */
export const ANYWHERE_RESPONSE = 'Anywhere'

/** Collects what the routes of a document share: errors, examples, and schemas that refer to themselves. */
export class Components {
  readonly #errors = new Map<string, ListedError>()
  readonly #schemas: Record<string, JsonObject> = {}
  readonly #service: string

  constructor(service: string) {
    this.#service = service
  }

  /** The Response Object of errors, usually of one status. */
  errorResponse(description: string, errors: readonly ListedError[]): JsonObject {
    for (const error of errors) this.#errors.set(error.name, error)
    const codes = [...new Set(errors.map(({ code }) => code))]
    const carriesRetryAfter = errors.some(({ status }) => status === 503 || status === 429)
    const names = errors.flatMap(({ name, examples }) => examples.map(({ locale }) => `${name}.${locale}`))
    return {
      description,
      headers: { ...TRACE_ID, ...(carriesRetryAfter ? RETRY_AFTER : {}) },
      content: {
        'application/json': {
          schema: {
            oneOf: codes.map((code) => ({ $ref: `#/components/schemas/${code}` })),
            discriminator: { propertyName: 'error_code' },
          },
          examples: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/examples/${name}` }])),
        },
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      },
    }
  }

  /** The Response Object of a success; without a schema, nothing is said of its body. */
  successResponse(description: string, schema: JsonObject | undefined): JsonObject {
    return { description, headers: TRACE_ID, ...(schema === undefined ? {} : { content: this.json(schema) }) }
  }

  /**
   * The content of a body that is JSON. With an example: left alone, pages make one up from patterns, another one each
   * time. None for a schema of which nothing is known, or that has no end.
   */
  json(schema: JsonObject): JsonObject {
    const isPlain = Object.keys(schema).length > 0 && !hasReferences(schema)
    const example = isPlain ? { example: sampleOf(schema) } : {}
    return { 'application/json': { schema: this.schema(schema), ...example } }
  }

  /** A schema for where it is used. One with references moves to the components, where they have a root to count from. */
  schema(schema: JsonObject): JsonObject {
    if (!hasReferences(schema)) return placedAt(schema, '') as JsonObject
    const name = `Schema${Object.keys(this.#schemas).length + 1}`
    const pointer = `#/components/schemas/${name}`
    this.#schemas[name] = placedAt(schema, pointer) as JsonObject
    return { $ref: pointer }
  }

  /** The Components Object, once every response has been made. */
  all(anywhere: JsonObject): Readonly<Record<string, Readonly<Record<string, JsonObject>>>> {
    const errors = [...this.#errors.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    const codes = [...new Set(errors.map(({ code }) => code))].sort()
    const schemas = codes.map((code): [string, JsonObject] => {
      const entries = errors.filter((error) => error.code === code)
      return [code, codeSchema(code, entries, this.#contextsOf(entries), this.#service)]
    })
    const examples = errors.flatMap(({ name, examples }) =>
      examples.map(({ locale, body }): [string, JsonObject] => [
        `${name}.${locale}`,
        { summary: `${name} (${locale})`, value: body },
      ]),
    )
    return {
      schemas: { ...Object.fromEntries(schemas), Problem: PROBLEM, ...this.#schemas },
      responses: { [ANYWHERE_RESPONSE]: anywhere },
      examples: Object.fromEntries(examples),
      headers: HEADERS,
    }
  }

  #contextsOf(entries: readonly ListedError[]): readonly (JsonObject | undefined)[] {
    const different = new Map<string, JsonObject | undefined>()
    for (const { context } of entries) different.set(JSON.stringify(context ?? null), context)
    return [...different.values()].map((context) => (context === undefined ? undefined : this.schema(context)))
  }
}
