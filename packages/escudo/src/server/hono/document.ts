import type { Hono } from 'hono'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import type { DocumentedRoute, OpenApiDocument, OpenApiOptions, RouteDescription } from '../openapi/description.ts'
import { checkDocumentOptions } from '../openapi/document.ts'
import { documentErrors } from '../openapi/document-errors.ts'

/** Options of `openapi`: those of `openapiDocument` without `routes`. The tool collects the routes. */
export interface HonoOpenApiOptions extends Omit<OpenApiOptions, 'routes'> {
  /** The function of this name of the package `hono-openapi`, version 1. */
  // biome-ignore lint/suspicious/noExplicitAny: its options differ between versions
  readonly generateSpecs: (app: any, options: any) => Promise<object>
}

/** Makes the document of an app. `inputOf` reads what a handler declares. */
export async function documentOf(
  app: Hono,
  options: HonoOpenApiOptions,
  inputOf: (handler: unknown) => RouteDescription | undefined,
): Promise<OpenApiDocument> {
  const { generateSpecs, ...document } = options
  checkDocumentOptions({ ...document, routes: [] }, 'openapi')
  if (typeof generateSpecs !== 'function') {
    throw new ConfigurationError(
      'openapi.generateSpecs',
      `expected the function of hono-openapi, got ${show(generateSpecs)}`,
    )
  }
  const { contract, info, servers, security = {}, tags } = document
  const collected = await generateSpecs(app, {
    documentation: {
      info,
      ...(servers === undefined ? {} : { servers }),
      ...(tags === undefined ? {} : { tags }),
    },
    // Also routes that only `route` describes, and paths with a dot.
    includeEmptyPaths: true,
    excludeStaticFile: false,
    excludeMethods: [],
    // The 400 of its `validator`. An invalid value is 422 here.
    defaultValidationErrorResponse: false,
  })
  const routes = app.routes.flatMap(({ method, path: url, handler }): DocumentedRoute[] => {
    const description = inputOf(handler)
    return description === undefined ? [] : [{ method, url, description }]
  })
  // Only `route` reads bodies, and only one that it declares.
  return documentErrors(JSON.parse(JSON.stringify(collected)), { contract, security, routes, parsesEveryBody: false })
}
