import type { Kind, LogLevel } from '../error-facts.ts'
import type { InputOf, OutputOf, StandardSchema } from '../standard-schema.ts'
import type { Placeholders } from './template.ts'

/**
 * A message by language, such as `{ es, en, 'pt-BR' }`, or one string in the language of the contract. `{name}` inserts a
 * key of the context.
 */
export type Messages = string | { readonly [language: string]: string }

/** One entry of a catalogue. */
export interface ErrorDefinition {
  /** 400 to 599. */
  readonly status: number
  /** The wire code. Default: the name of the entry. Several entries may share a code. */
  readonly code?: string
  /** Which side can act. Default: `business` below status 500, else `technical`. */
  readonly kind?: Kind
  readonly message: Messages
  /**
   * The schema of the context. Only keys that it declares reach a client. Without a schema, no key does.
   *
   * zod and Valibot remove other keys. For any other library, the JSON Schema of the output decides, if the library
   * supports Standard JSON Schema, as ArkType does. A library without it must remove other keys itself.
   */
  readonly context?: StandardSchema
  /** Whether the same request may be sent again. Default: `safe` for technical errors, `never` for business errors. */
  readonly retry?: 'never' | 'safe'
  /** The log level. Default: 401, 403 and 429 `warning`; other business errors `info`, technical errors `error`. */
  readonly level?: LogLevel
}

/** Options of {@link defineErrors}. */
export interface ErrorsOptions {
  /**
   * Whether business errors have stack frames. Recording them costs more than the rest of the error. Default: they have
   * none, and their `stack` says so; with false, it does not. Technical errors always have them.
   */
  readonly stacks?: boolean | undefined
}

/** What an error can carry beside its context. */
export interface ErrorDetails {
  /** The underlying error. Logged, never sent to the client. */
  readonly cause?: unknown
  /** Details for the log only. Never sent to the client. */
  readonly internal?: Readonly<Record<string, unknown>>
  /** When the client may try again, in milliseconds. Sent as `Retry-After` with 429 and 503. */
  readonly retryAfterMs?: number
  /**
   * Headers of the response that belong to the error: `WWW-Authenticate`, `Proxy-Authenticate`, `Allow`, `Accept`,
   * `Accept-Encoding`, `Content-Range`, `Upgrade` (RFC 9110). Other names are not sent.
   */
  readonly headers?: Readonly<Record<string, string>>
}

/** An error of a catalogue. */
export interface TypedError<Code extends string = string, Context = unknown> extends Error {
  /** Machine-readable: the `error_code` of the response. */
  readonly code: Code
  readonly status: number
  readonly kind: Kind
  readonly context: Context
  readonly internal: Readonly<Record<string, unknown>> | undefined
  readonly retryAfterMs: number | undefined
  readonly headers: Readonly<Record<string, string>> | undefined
}

/** The arguments of `new Errors.CODE(…)`. The context is optional if none of its keys is required. */
export type ErrorArguments<Context> = [Context] extends [undefined]
  ? [context?: undefined, details?: ErrorDetails]
  : Record<never, never> extends Context
    ? [context?: Context, details?: ErrorDetails]
    : [context: Context, details?: ErrorDetails]

/** A class of a catalogue. It creates errors and recognises them. */
export interface ErrorClass<Code extends string = string, Context = unknown> {
  new (...args: ErrorArguments<Context>): TypedError<Code, Context>
  /** The wire code. */
  readonly code: Code
  readonly status: number
  readonly kind: Kind
  readonly definition: ErrorDefinition
  /** Whether a thrown value is this error, including one from another installed copy of escudo. */
  is(error: unknown): error is TypedError<Code, Context>
}

/** The definitions of a catalogue's entries, by name. */
export type ErrorDefinitions = Readonly<Record<string, ErrorDefinition>>

/** A catalogue: one error class for each entry. */
export type Catalogue<D extends ErrorDefinitions> = {
  readonly [Name in keyof D & string]: ErrorClass<CodeOf<Name, D[Name]>, ContextOf<D[Name]>>
}

/** Any catalogue. */
export type AnyCatalogue = Readonly<Record<string, AnyErrorClass>>

/** Any error class of a catalogue. */
export interface AnyErrorClass {
  readonly code: string
  readonly status: number
  readonly kind: Kind
  readonly definition: ErrorDefinition
  is(error: unknown): boolean
}

/** The errors of a catalogue as a union, discriminated by `code`. */
export type ErrorOf<C> = {
  [Name in keyof C]: C[Name] extends ErrorClass<infer Code, infer Context> ? TypedError<Code, Context> : never
}[keyof C]

type CodeOf<Name extends string, Entry> = Entry extends { readonly code: infer Code extends string } ? Code : Name
type ContextOf<Entry> = Entry extends { readonly context: infer S extends StandardSchema } ? InputOf<S> : undefined

type TextOf<M> = M extends string ? M : M extends object ? M[keyof M] : never
type KeysOf<Entry> = Entry extends { readonly context: infer S extends StandardSchema }
  ? keyof OutputOf<S> & string
  : never
type Missing<Entry extends ErrorDefinition> = Exclude<Placeholders<TextOf<Entry['message']>>, KeysOf<Entry>>

/** Rejects at compile time a message with a placeholder that the context's schema lacks. */
export type Checked<D extends ErrorDefinitions> = {
  readonly [Name in keyof D]: [Missing<D[Name]>] extends [never]
    ? D[Name]
    : { readonly message: `The context has no '${Missing<D[Name]>}'` }
}

/** The key of an error's {@link Entry}. Registered, so that all installed copies of escudo share it. */
export const ENTRY: unique symbol = Symbol.for('escudo.entry') as never

/** A catalogue entry as its errors carry it. */
export interface Entry {
  readonly name: string
  readonly definition: ErrorDefinition
}

/** Reads the entry of a catalogue's error. Returns undefined for any other value. */
export function entryOf(error: unknown): Entry | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  try {
    const entry = (error as { [ENTRY]?: unknown })[ENTRY]
    return isEntry(entry) ? entry : undefined
  } catch {
    return undefined
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false
  const { name, definition } = value as Partial<Entry>
  return typeof name === 'string' && typeof definition === 'object' && definition !== null
}
