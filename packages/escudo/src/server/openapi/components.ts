import type { JsonObject } from './description.ts'
import { ANY_ERROR as ANY_ERROR_SCHEMA, codeSchema, PROBLEM } from './error-schemas.ts'
import { hasReferences, isObject, rebaseReferences } from './json-schema.ts'
import type { ListedError } from './listed-error.ts'
import { sampleOf } from './sample.ts'

const HEADERS: Readonly<Record<string, JsonObject>> = {
  'X-Trace-ID': {
    description: 'The trace id of the request. Every response has it.',
    schema: { type: 'string', pattern: '^[0-9a-f]{32}$' },
  },
  'Retry-After': {
    description: 'Seconds to wait before the next request, as an integer. Absent if the service does not know.',
    schema: { type: 'integer', minimum: 1 },
  },
}
const TRACE_ID = { 'X-Trace-ID': { $ref: '#/components/headers/X-Trace-ID' } } as const
const RETRY_AFTER = { 'Retry-After': { $ref: '#/components/headers/Retry-After' } } as const

/** The name of the shared response that lists the errors of any route. */
export const COMMON_RESPONSE = 'Anywhere'

/** The name of the schema of errors that are not listed by code. */
const ANY_ERROR = 'AnyError'

/** Collects what the routes of a document share: errors, examples, and schemas with references. */
export class Components {
  readonly #errors = new Map<string, ListedError>()
  readonly #schemas: Record<string, JsonObject> = {}
  readonly #service: string
  readonly #existing: JsonObject
  readonly #problem: string
  #listsAnyError = false

  /** @param existing the Components Object of the document that is passed on */
  constructor(service: string, existing: JsonObject = {}) {
    this.#service = service
    this.#existing = existing
    this.#problem = this.#freeName('Problem')
  }

  /** Makes the Response Object of errors, usually errors of one status. */
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
        ...this.#problemContent(),
      },
    }
  }

  /** Makes the Response Object of errors that are described, but not listed by code. */
  anyError(description: string): JsonObject {
    this.#listsAnyError = true
    const schema = { $ref: `#/components/schemas/${this.#freeName(ANY_ERROR)}` }
    return { description, headers: TRACE_ID, content: { 'application/json': { schema }, ...this.#problemContent() } }
  }

  /** Adds to the Response Object of a tool what each response has. */
  tracedResponse(response: JsonObject): JsonObject {
    if ('$ref' in response) return response
    const { description, headers } = response
    return {
      ...response,
      description: typeof description === 'string' && description !== '' ? description : 'Success.',
      headers: { ...(isObject(headers) ? headers : {}), ...TRACE_ID },
    }
  }

  /** Makes the Response Object of a success. Without a schema, it does not describe a body. */
  successResponse(description: string, schema: JsonObject | undefined): JsonObject {
    return { description, headers: TRACE_ID, ...(schema === undefined ? {} : { content: this.json(schema) }) }
  }

  /**
   * Makes the content of a JSON body, with an example.
   *
   * Without an example, API pages generate one from patterns, and a different one each time. There is no example for an
   * empty schema or a schema with references.
   */
  json(schema: JsonObject): JsonObject {
    const isPlain = Object.keys(schema).length > 0 && !hasReferences(schema)
    const example = isPlain ? { example: sampleOf(schema) } : {}
    return { 'application/json': { schema: this.schema(schema), ...example } }
  }

  /** Returns the schema to use in place. A schema with references becomes a component: its references need a root. */
  schema(schema: JsonObject): JsonObject {
    if (!hasReferences(schema)) return rebaseReferences(schema, '') as JsonObject
    const name = this.#freeName(`Schema${Object.keys(this.#schemas).length + 1}`)
    const pointer = `#/components/schemas/${name}`
    this.#schemas[name] = rebaseReferences(schema, pointer) as JsonObject
    return { $ref: pointer }
  }

  /** Builds the Components Object. To be called after all responses have been made. */
  build(common: JsonObject): Readonly<Record<string, Readonly<Record<string, JsonObject>>>> {
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
    const taken = ([section, name]: readonly [string, string]): boolean => Object.hasOwn(this.#section(section), name)
    const clash = [...codes.map((code) => ['schemas', code] as const), ['responses', COMMON_RESPONSE] as const].find(
      taken,
    )
    if (clash !== undefined) {
      throw new TypeError(
        `the document has its own #/components/${clash.join('/')}: rename it, or pass the document once`,
      )
    }
    const anyError = this.#listsAnyError ? { [this.#freeName(ANY_ERROR)]: ANY_ERROR_SCHEMA } : {}
    const added = {
      schemas: { ...Object.fromEntries(schemas), [this.#problem]: PROBLEM, ...anyError, ...this.#schemas },
      responses: { [COMMON_RESPONSE]: common },
      examples: Object.fromEntries(examples),
      headers: HEADERS,
    }
    const merged = Object.entries(added).map(([name, section]) => [name, { ...this.#section(name), ...section }])
    return { ...this.#existing, ...Object.fromEntries(merged) }
  }

  #section(name: string): JsonObject {
    const section = this.#existing[name]
    return isObject(section) ? section : {}
  }

  #freeName(wanted: string): string {
    const taken = this.#section('schemas')
    let name = wanted
    for (let count = 2; Object.hasOwn(taken, name) || Object.hasOwn(this.#schemas, name); count += 1) {
      name = `${wanted}_${count}`
    }
    return name
  }

  #problemContent(): JsonObject {
    return { 'application/problem+json': { schema: { $ref: `#/components/schemas/${this.#problem}` } } }
  }

  #contextsOf(entries: readonly ListedError[]): readonly (JsonObject | undefined)[] {
    const distinct = new Map<string, JsonObject | undefined>()
    for (const { context } of entries) distinct.set(JSON.stringify(context ?? null), context)
    return [...distinct.values()].map((context) => (context === undefined ? undefined : this.schema(context)))
  }
}
