import type { ErrorContract } from '../../errors/contract/contract.ts'
import type { StandardSchema } from '../../errors/standard-schema.ts'

/** A JSON Schema (draft 2020-12), or a part of an OpenAPI document. */
export type JsonObject = { readonly [key: string]: unknown }

/** The schema of a part of a request or response: a Standard Schema or a JSON Schema. */
export type AnySchema = StandardSchema | JsonObject

/** Describes one route for a document. */
export interface RouteDescription {
  readonly body?: AnySchema | undefined
  readonly params?: AnySchema | undefined
  readonly query?: AnySchema | undefined
  readonly headers?: AnySchema | undefined
  /** Names of catalogue entries or well-known codes, beyond those implied by inputs and security. */
  readonly errors?: readonly string[] | undefined
  /** The schema of a success: one for 200, or one per status. */
  readonly response?: AnySchema | Readonly<Record<number, AnySchema>> | undefined
  /** A one-line summary for readers. */
  readonly summary?: string | undefined
  /** The groups that the route is listed under. */
  readonly tags?: readonly string[] | undefined
  /** The name of the required entry of {@link OpenApiOptions.security}. */
  readonly security?: string | undefined
}

/** A route of a service, as an adapter knows it. */
export interface DocumentedRoute {
  readonly method: string
  /** The route's pattern, such as `/items/:id`. */
  readonly url: string
  readonly description?: RouteDescription | undefined
}

/** A way to authenticate or authorize a caller. */
export interface SecurityDescription {
  /** A Security Scheme Object of OpenAPI. May be left out if the document that is passed on has it under this name. */
  readonly scheme?: JsonObject
  /** The errors that each route with this security can answer with, usually a 401 and a 403. */
  readonly errors: readonly string[]
}

/** Describes the service for a document. */
export interface DocumentInfo {
  readonly title: string
  /** The version of the API, not of OpenAPI. */
  readonly version: string
  /** A description for readers, in Markdown. */
  readonly description?: string
}

/** Options of {@link openapiDocument}. */
export interface OpenApiOptions {
  /** The service's error contract. It renders each example of the document. */
  readonly contract: ErrorContract
  readonly info: DocumentInfo
  readonly routes: readonly DocumentedRoute[]
  /** The URLs of the service. Default: the origin that serves the document. */
  readonly servers?: readonly { readonly url: string; readonly description?: string }[]
  /** Security schemes by name. A route refers to one by this name. */
  readonly security?: Readonly<Record<string, SecurityDescription>>
  /** Groups of routes, in the order to show them. */
  readonly tags?: readonly { readonly name: string; readonly description?: string }[]
}

/** Options of {@link documentErrors}. */
export interface DocumentErrorsOptions {
  /** The service's error contract. It renders each example of the document. */
  readonly contract: ErrorContract
  /**
   * Security schemes by name, with the errors of each. A scheme that only the document has means `UNAUTHORIZED` and
   * `FORBIDDEN`.
   */
  readonly security?: Readonly<Record<string, SecurityDescription>>
  /**
   * What routes declare: their errors, and inputs that the document lacks. A route belongs to the operation with its
   * method and path. Routes that the document does not have are ignored. Default: none.
   */
  readonly routes?: readonly DocumentedRoute[]
  /**
   * Whether the service parses the body of each request whose method has one, even if the route does not use it. If not,
   * only operations with a body list the errors of bodies. Default true.
   */
  readonly parsesEveryBody?: boolean
}

/** An OpenAPI 3.1 document, with types for its fixed parts. */
export interface OpenApiDocument {
  readonly openapi: '3.1.1'
  readonly info: DocumentInfo
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>
  readonly [key: string]: unknown
}
