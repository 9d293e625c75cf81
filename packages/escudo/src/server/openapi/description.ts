import type { ErrorContract } from '../../errors/contract/contract.ts'
import type { StandardSchema } from '../../errors/standard-schema.ts'

/** A JSON Schema (draft 2020-12), or a part of an OpenAPI document. */
export type JsonObject = { readonly [key: string]: unknown }

/** What a part of a request or of an answer looks like: a Standard Schema, or a JSON Schema as it stands. */
export type AnySchema = StandardSchema | JsonObject

/** What a document says of a route. */
export interface RouteDescription {
  readonly body?: AnySchema | undefined
  readonly params?: AnySchema | undefined
  readonly query?: AnySchema | undefined
  readonly headers?: AnySchema | undefined
  /** Names of entries of the catalogue, or well-known codes, beyond those that follow from inputs and security. */
  readonly errors?: readonly string[] | undefined
  /** What a success looks like: one schema for 200, or one for each status. */
  readonly response?: AnySchema | Readonly<Record<number, AnySchema>> | undefined
  /** A line for people. */
  readonly summary?: string | undefined
  /** Under which headings the route stands. */
  readonly tags?: readonly string[] | undefined
  /** A name of {@link OpenApiOptions.security}: what a caller must show. */
  readonly security?: string | undefined
}

/** A route of a service, as an adapter knows it. */
export interface DocumentedRoute {
  readonly method: string
  /** The pattern, as `/items/:id`. */
  readonly url: string
  readonly description?: RouteDescription | undefined
}

/** A way for callers to say who they are. */
export interface SecurityDescription {
  /** A Security Scheme Object of OpenAPI. */
  readonly scheme: JsonObject
  /** What each route behind it can answer with, usually a 401 and a 403. */
  readonly errors: readonly string[]
}

/** What a document says of the service. */
export interface DocumentInfo {
  readonly title: string
  /** The version of the API, not of OpenAPI. */
  readonly version: string
  /** For people; Markdown. */
  readonly description?: string
}

/** Options of {@link openapiDocument}. */
export interface OpenApiOptions {
  /** What the service answers errors with: each example of the document is rendered by it. */
  readonly contract: ErrorContract
  readonly info: DocumentInfo
  readonly routes: readonly DocumentedRoute[]
  /** Where the service is reached. Default: wherever the document came from. */
  readonly servers?: readonly { readonly url: string; readonly description?: string }[]
  /** By name, for the routes that name it. */
  readonly security?: Readonly<Record<string, SecurityDescription>>
  /** Headings, in their order. */
  readonly tags?: readonly { readonly name: string; readonly description?: string }[]
}

/** An OpenAPI 3.1 document, as far as its form is fixed. */
export interface OpenApiDocument {
  readonly openapi: '3.1.1'
  readonly info: DocumentInfo
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>
  readonly [key: string]: unknown
}
