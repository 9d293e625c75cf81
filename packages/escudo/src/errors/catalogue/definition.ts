import type { Kind, LogLevel } from '../error-facts.ts'
import { read } from '../safe-read.ts'
import type { InputOf, OutputOf, StandardSchema } from '../standard-schema.ts'
import type { Placeholders } from './template.ts'

/** A message in each language that it has; a string alone serves all. `{name}` stands for a key of the context. */
export type Messages = string | { readonly es?: string; readonly en?: string }

/** One entry of a catalogue. */
export interface ErrorDefinition {
  /** 400 to 599. */
  readonly status: number
  /** What goes over the wire. Default: the entry's own name. Several entries may share one. */
  readonly code?: string
  /** Who can act. Default: `business` below 500, else `technical`. */
  readonly kind?: Kind
  readonly message: Messages
  /** What belongs into the context. Only keys that it declares reach a client; without it, none do. */
  readonly context?: StandardSchema
  /** Whether the same request may be sent again. Default: `safe` for technical errors, else `never`. */
  readonly retry?: 'never' | 'safe'
  /** Default: technical `error`; 401, 403 and 429 `warning`; the rest `info`. */
  readonly level?: LogLevel
}

/** What an error may bring beside its context. */
export interface ErrorDetails {
  /** What went wrong below. Logged, never sent. */
  readonly cause?: unknown
  /** For the log alone: what a client must not see. */
  readonly internal?: Readonly<Record<string, unknown>>
  /** When it makes sense to come back: `Retry-After` with 429 and 503. */
  readonly retryAfterMs?: number
}

/** An error of a catalogue. */
export interface TypedError<Code extends string = string, Context = unknown> extends Error {
  /** For machines: the `error_code` of the answer. */
  readonly code: Code
  readonly status: number
  readonly kind: Kind
  readonly context: Context
  readonly internal: Readonly<Record<string, unknown>> | undefined
  readonly retryAfterMs: number | undefined
}

/** The arguments of `new Errors.CODE(…)`: the context comes first, and may be left out where nothing in it is required. */
export type ErrorArguments<Context> = [Context] extends [undefined]
  ? [context?: undefined, details?: ErrorDetails]
  : Record<never, never> extends Context
    ? [context?: Context, details?: ErrorDetails]
    : [context: Context, details?: ErrorDetails]

/** A class of a catalogue: makes its errors and recognises them. */
export interface ErrorClass<Code extends string = string, Context = unknown> {
  new (...args: ErrorArguments<Context>): TypedError<Code, Context>
  /** What goes over the wire. */
  readonly code: Code
  readonly status: number
  readonly kind: Kind
  readonly definition: ErrorDefinition
  /** Whether something thrown is this error, also when another installed copy of escudo made it. */
  is(error: unknown): error is TypedError<Code, Context>
}

/** What the entries of a catalogue are written as. */
export type ErrorDefinitions = Readonly<Record<string, ErrorDefinition>>

/** A catalogue: one class for each entry. */
export type Catalogue<D extends ErrorDefinitions> = {
  readonly [Name in keyof D & string]: ErrorClass<CodeOf<Name, D[Name]>, ContextOf<D[Name]>>
}

/** Any catalogue. */
export type AnyCatalogue = Readonly<Record<string, AnyErrorClass>>

/** Any class of a catalogue. */
export interface AnyErrorClass {
  readonly code: string
  readonly status: number
  readonly kind: Kind
  readonly definition: ErrorDefinition
  is(error: unknown): boolean
}

/** The errors of a catalogue as one union, told apart by `code`. */
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

/** Refuses, when compiled, a message with a placeholder that the context's schema lacks. */
export type Checked<D extends ErrorDefinitions> = {
  readonly [Name in keyof D]: [Missing<D[Name]>] extends [never]
    ? D[Name]
    : { readonly message: `The context has no '${Missing<D[Name]>}'` }
}

/** Where an error of a catalogue carries its entry. Registered, so that two installs agree on it. */
export const ENTRY: unique symbol = Symbol.for('escudo.entry') as never

/** An entry as its errors carry it. */
export interface Entry {
  readonly name: string
  readonly definition: ErrorDefinition
}

/** The entry of an error of a catalogue; undefined for anything else. */
export function entryOf(error: unknown): Entry | undefined {
  const entry = read(error, ENTRY)
  const definition = read(entry, 'definition')
  return typeof read(entry, 'name') === 'string' && typeof definition === 'object' && definition !== null
    ? (entry as Entry)
    : undefined
}
