/**
 * The part of Standard Schema (https://standardschema.dev, version 1) that escudo uses.
 *
 * Schemas of zod, valibot, arktype and other implementations fit. Declared here because escudo has no dependencies.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    /** Standard JSON Schema, if the schema library supports it. */
    readonly jsonSchema?: {
      readonly input?: (options: JsonSchemaOptions) => Record<string, unknown>
      readonly output: (options: JsonSchemaOptions) => Record<string, unknown>
    }
  }
}

/** Options of Standard JSON Schema. */
export interface JsonSchemaOptions {
  /** The dialect, such as `draft-2020-12`. */
  readonly target: string
  /** Options of the schema's own library. */
  readonly libraryOptions?: Record<string, unknown> | undefined
}

/** The result of validation: the value or the issues. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** One problem that a schema found. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The input type of a schema. */
export type InputOf<S> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly input: infer Input }
    ? Input
    : unknown
  : unknown

/** The output type of a schema. */
export type OutputOf<S> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly output: infer Output }
    ? Output
    : unknown
  : unknown

/** Whether a value is a Standard Schema. Some libraries implement schemas as functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as { '~standard'?: { validate?: unknown } })['~standard']
  return typeof standard?.validate === 'function'
}
