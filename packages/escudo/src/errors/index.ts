export type { ErrorBody, ProblemBody } from './body/body.ts'
export { parseErrorBody } from './body/body.ts'
export { RemoteError, remoteError } from './body/remote-error.ts'
export type { SafeResult } from './body/safe.ts'
export { safe, UnexpectedAnswer } from './body/safe.ts'
export { defineErrors } from './catalogue/catalogue.ts'
export type {
  AnyCatalogue,
  AnyErrorClass,
  Catalogue,
  ErrorArguments,
  ErrorClass,
  ErrorDefinition,
  ErrorDefinitions,
  ErrorDetails,
  ErrorOf,
  ErrorsOptions,
  Messages,
  TypedError,
} from './catalogue/definition.ts'
export type { Finding, ValidationContext, WellKnownCode } from './catalogue/well-known.ts'
export { WellKnown } from './catalogue/well-known.ts'
export { isRefusal } from './classification.ts'
export type { ErrorAnswer, ErrorContract, ErrorContractOptions, ErrorRequest } from './contract/contract.ts'
export { createErrorContract } from './contract/contract.ts'
export type { WellKnownMessages } from './contract/languages.ts'
export type { LogFields } from './contract/log-fields.ts'
export type { Mapper } from './contract/resolve.ts'
export type { ErrorFacts, Kind, LogLevel } from './error-facts.ts'
export { FACTS, factsOf } from './error-facts.ts'
export { ConfigurationError } from './options/configuration-error.ts'
export type {
  InputOf,
  JsonSchemaOptions,
  OutputOf,
  SchemaIssue,
  SchemaResult,
  StandardSchema,
} from './standard-schema.ts'
export type { JsonValue } from './to-json.ts'
