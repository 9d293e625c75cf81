export type { ErrorBody, ProblemBody } from './body.ts'
export { parseErrorBody } from './body.ts'
export type { ErrorFacts, Kind, LogLevel } from './brand.ts'
export { FACTS, factsOf } from './brand.ts'
export { defineErrors } from './catalogue.ts'
export { isRefusal } from './classification.ts'
export type { ErrorAnswer, ErrorContract, ErrorContractOptions, ErrorRequest } from './contract.ts'
export { createErrorContract } from './contract.ts'
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
  Messages,
  TypedError,
} from './definition.ts'
export type { LogFields } from './log-fields.ts'
export type { Locale } from './negotiation.ts'
export type { Plain } from './plain.ts'
export { RemoteError, remoteError } from './remote-error.ts'
export type { Mapper } from './resolve.ts'
export type { SafeResult } from './safe.ts'
export { safe, UnexpectedAnswer } from './safe.ts'
export type { InputOf, OutputOf, SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.ts'
export type { Finding, ValidationContext, WellKnownCode } from './well-known.ts'
export { WellKnown } from './well-known.ts'
