export type { ErrorCoverage, SeenError } from './openapi/coverage.ts'
export { errorCoverage } from './openapi/coverage.ts'
export type {
  AnySchema,
  DocumentErrorsOptions,
  DocumentedRoute,
  DocumentInfo,
  JsonObject,
  OpenApiDocument,
  OpenApiOptions,
  RouteDescription,
  SecurityDescription,
} from './openapi/description.ts'
export { openapiDocument } from './openapi/document.ts'
export { documentErrors } from './openapi/document-errors.ts'
export type { ErrorPagesOptions, GeneratedPage } from './openapi/error-pages.ts'
export { errorPages } from './openapi/error-pages.ts'
