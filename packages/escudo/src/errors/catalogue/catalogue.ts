import { type ErrorFacts, FACTS, factsOf, type Kind } from '../error-facts.ts'
import { ConfigurationError } from '../options/configuration-error.ts'
import { knownKeys } from '../options/known-keys.ts'
import { show } from '../options/show.ts'
import { read } from '../safe-read.ts'
import { resumeStacks, setStack, stopStacks } from '../stackless.ts'
import { isStandardSchema } from '../standard-schema.ts'
import { isErrorStatus } from '../status.ts'
import {
  type Catalogue,
  type Checked,
  ENTRY,
  type Entry,
  type ErrorDefinition,
  type ErrorDefinitions,
  type ErrorDetails,
  type ErrorsOptions,
  entryOf,
} from './definition.ts'
import { compile } from './template.ts'

const CODE = /^[A-Z][A-Z0-9_]+[A-Z0-9]$/
const CODE_LENGTH_MAX = 63
const KEYS = ['status', 'code', 'kind', 'message', 'context', 'retry', 'level']
const ALLOWED_VALUES: Readonly<Record<string, readonly string[]>> = {
  kind: ['business', 'technical'],
  retry: ['never', 'safe'],
  level: ['debug', 'info', 'warning', 'error', 'critical'],
}

/**
 * Defines a catalogue: one class for each error of a service.
 *
 * A client can import the same catalogue and get the same errors back from a response: see {@link safe}.
 *
 * A business error is an answer, not a fault, so it has no stack frames unless `stacks` is true. A technical error has
 * them.
 *
 * @param definitions by code: capital letters, digits and underscores, at most 63 characters. The option `code` sets a
 * wire code that differs from the entry's name, so that several entries can share one
 * @param options `stacks`: whether business errors have stack frames; default: they have none
 * @throws ConfigurationError if an entry is not valid; the `path` names the entry
 * @example
 * ```ts
 * import { defineErrors } from 'escudo/errors'
 * import { z } from 'zod'
 *
 * const Errors = defineErrors({
 *   ITEM_NOT_FOUND: {
 *     status: 404,
 *     message: { es: "Item con ID '{id}' no encontrado.", en: "Item with ID '{id}' not found." },
 *     context: z.object({ id: z.string() }),
 *   },
 * })
 * const error: unknown = new Errors.ITEM_NOT_FOUND({ id: 'item9' })
 * if (Errors.ITEM_NOT_FOUND.is(error)) console.log(error.context.id) // item9
 * ```
 */
export function defineErrors<const D extends ErrorDefinitions>(
  definitions: D & Checked<D>,
  options: ErrorsOptions = {},
): Catalogue<D> {
  if (typeof definitions !== 'object' || definitions === null || Array.isArray(definitions)) {
    throw new ConfigurationError('defineErrors', `expected an object of definitions, got ${show(definitions)}`)
  }
  knownKeys(options, 'defineErrors', ['stacks'])
  const { stacks } = options
  if (stacks !== undefined && typeof stacks !== 'boolean') {
    throw new ConfigurationError('defineErrors.stacks', `expected true or false, got ${show(stacks)}`)
  }
  const catalogue: Record<string, unknown> = Object.create(null)
  for (const [name, definition] of Object.entries(definitions as ErrorDefinitions)) {
    check(name, definition)
    catalogue[name] = errorClass({ name, definition }, stacks)
  }
  return Object.freeze(catalogue) as Catalogue<D>
}

/** The kind of an entry's errors. Default: `business` below status 500, else `technical`. */
export function kindOf(definition: ErrorDefinition): Kind {
  return definition.kind ?? (definition.status < 500 ? 'business' : 'technical')
}

/** Whether an error may be retried: as defined, else a technical error may. */
export function retryOf(definition: ErrorDefinition): 'never' | 'safe' {
  return definition.retry ?? (kindOf(definition) === 'technical' ? 'safe' : 'never')
}

// Below the message of a business error, where its frames would be. Not for a catalogue that has decided.
const NO_FRAMES = '\n    no stack frames: defineErrors(…, { stacks: true }) records them'

function errorClass(entry: Entry, stacks: boolean | undefined): unknown {
  const { name, definition } = entry
  const { status, message } = definition
  const code = definition.code ?? name
  const kind = kindOf(definition)
  const facts: ErrorFacts = { code, status, kind, retry: retryOf(definition) }
  // Used for stacks and debuggers. The contract renders the client's message separately, in the client's language.
  const textOf = compile(typeof message === 'string' ? message : (message['en'] ?? Object.values(message)[0] ?? name))
  const hasStack = kind === 'technical' || stacks === true
  const noFrames = stacks === undefined ? NO_FRAMES : ''

  class CatalogueError extends Error {
    static readonly code = code
    static readonly status = status
    static readonly kind = kind
    static readonly definition = definition
    declare readonly code: string
    declare readonly status: number
    declare readonly kind: Kind
    declare readonly context: unknown
    declare readonly internal: Readonly<Record<string, unknown>> | undefined
    declare readonly retryAfterMs: number | undefined
    declare readonly headers: Readonly<Record<string, string>> | undefined

    constructor(context?: unknown, details: ErrorDetails = {}) {
      const text = textOf(context)
      const options = 'cause' in details ? { cause: details.cause } : undefined
      const limit = hasStack ? undefined : stopStacks()
      try {
        super(text, options)
      } finally {
        if (limit !== undefined) resumeStacks(limit)
      }
      if (limit !== undefined && noFrames !== '') setStack(this, `${nameOf(this, name)}: ${text}${noFrames}`)
      this.code = code
      this.status = status
      this.kind = kind
      this.context = context
      this.internal = details.internal
      this.retryAfterMs = details.retryAfterMs
      // Few errors have headers.
      if (details.headers !== undefined) this.headers = details.headers
    }

    static is(error: unknown): boolean {
      return entryOf(error)?.name === name && factsOf(error)?.code === code
    }
  }
  Object.defineProperty(CatalogueError, 'name', { value: name })
  Object.defineProperty(CatalogueError.prototype, 'name', { value: name, writable: true, configurable: true })
  Object.defineProperty(CatalogueError.prototype, FACTS, { value: Object.freeze(facts) })
  Object.defineProperty(CatalogueError.prototype, ENTRY, { value: Object.freeze(entry) })
  return CatalogueError
}

/** The name of an error. The getter of a subclass may need fields that are set after this. */
function nameOf(error: Error, fallback: string): string {
  const name = read(error, 'name')
  return typeof name === 'string' ? name : fallback
}

function check(name: string, definition: ErrorDefinition): void {
  const path = `defineErrors.${name}`
  knownKeys(definition, path, KEYS)
  for (const [at, code] of [
    [path, name],
    [`${path}.code`, definition.code ?? name],
  ] as const) {
    checkCode(code, at)
  }
  if (!isErrorStatus(definition.status)) {
    throw new ConfigurationError(
      `${path}.status`,
      `expected a whole number from 400 to 599, got ${show(definition.status)}`,
    )
  }
  checkMessage(definition.message, `${path}.message`)
  const { context } = definition
  if (context !== undefined && !isStandardSchema(context)) {
    throw new ConfigurationError(`${path}.context`, `expected a Standard Schema, got ${show(context)}`)
  }
  for (const [key, values] of Object.entries(ALLOWED_VALUES)) {
    const value = definition[key as 'kind']
    if (value !== undefined && !values.includes(value)) {
      throw new ConfigurationError(`${path}.${key}`, `expected one of ${values.join(', ')}, got ${show(value)}`)
    }
  }
}

/** Checks an error code. */
export function checkCode(code: unknown, path: string): void {
  if (typeof code === 'string' && CODE.test(code) && code.length <= CODE_LENGTH_MAX) return
  throw new ConfigurationError(
    path,
    `expected a code of capital letters, digits and underscores, at most ${CODE_LENGTH_MAX} characters (${CODE.source}), got ${show(code)}`,
  )
}

function checkMessage(message: unknown, path: string): void {
  if (typeof message === 'string' && message !== '') return
  const problem = 'expected a string, or an object with a string for each language'
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new ConfigurationError(path, `${problem}, got ${show(message)}`)
  }
  if (Object.keys(message).length === 0) throw new ConfigurationError(path, problem)
  checkTexts(message, path)
}

/** Checks texts by language. */
export function checkTexts(texts: object, path: string): void {
  for (const [language, text] of Object.entries(texts)) {
    checkLanguage(language, `${path}.${language}`)
    if (typeof text === 'string' && text !== '') continue
    throw new ConfigurationError(`${path}.${language}`, `expected a string that is not empty, got ${show(text)}`)
  }
}

/** Checks the tag of a language: two or three letters, then parts such as a script or a region (BCP 47). */
export function checkLanguage(language: unknown, path: string): void {
  if (typeof language === 'string' && /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/.test(language)) return
  throw new ConfigurationError(path, `expected a language, such as en or pt-BR, got ${show(language)}`)
}
