import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { type ErrorContract, type Mapper, WellKnown } from 'escudo/errors'
import { openapi } from 'escudo/fastify'
import type { OpenApiDocument } from 'escudo/openapi'
import type { FastifyInstance } from 'fastify'

const TOKEN = { type: 'apiKey', in: 'header', name: 'X-Token' } as const

/** Who may see what; each route that names one of them can answer with its errors. */
const security = {
  user: { scheme: { ...TOKEN, description: 'The token of a user' }, errors: ['AUTENTICACION_FALLIDA'] },
  admin: {
    scheme: { ...TOKEN, description: 'The token of an administrator' },
    errors: ['AUTENTICACION_FALLIDA', 'ACCESO_PROHIBIDO'],
  },
} as const

const tags = [
  { name: '4.1', description: 'A strategy for errors' },
  { name: '4.2', description: 'Errors of its own' },
  { name: '4.3', description: 'Business errors and technical ones' },
  { name: '4.4', description: 'Retry' },
  { name: '4.5', description: 'Bulkhead' },
  { name: '4.6', description: 'Circuit breaker' },
  { name: '4.7', description: 'Degradation' },
  { name: '4.8', description: 'Traces' },
  { name: '4.9', description: 'Traffic for the dashboard' },
] as const

const info = {
  title: 'The potion shop',
  version: '0.1.0',
  description:
    'Every error has one body. A program reads `error_code` and `context`; `message` is for people, in Spanish or English as `Accept-Language` asks.',
} as const

// The page loads what this server has, and nothing else: no script that stands in a page, nothing of other hosts.
const CONTENT_SECURITY_POLICY = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
}

// The page of Swagger UI is one for desks: it tells no small screen to take its own width.
const NARROW_SCREENS = `const meta = document.createElement('meta')
meta.name = 'viewport'
meta.content = 'width=device-width, initial-scale=1'
document.head.append(meta)
`

// OpenAPI's links are not used here: their empty column would take a third of a small screen.
const STYLE = `.swagger-ui .response-col_links { display: none }
@media (max-width: 640px) {
  .swagger-ui .wrapper { padding: 0 12px }
  .swagger-ui .opblock .opblock-section-header, .swagger-ui .response-controls { flex-wrap: wrap; gap: 8px }
  .swagger-ui .response-controls > * { padding: 0 }
  .swagger-ui .responses-inner { padding: 8px }
  .swagger-ui table.responses-table > tbody > tr > td, .swagger-ui table.responses-table > thead > tr > td { padding-inline: 4px }
  .swagger-ui .response-col_status { min-width: 0 }
  .swagger-ui pre, .swagger-ui code { overflow-wrap: anywhere }
  .swagger-ui .highlight-code, .swagger-ui .curl-command { max-width: 100% }
  .swagger-ui table.headers td { padding: 4px 4px 4px 0 }
}
`

/**
 * What serves the files of the page throws an error of its own at a path that it does not trust. Unknown to the
 * contract, that would be a bug of ours, with an alert; it is a path at which there is nothing.
 */
export const ofPageFiles: Mapper = (error) => {
  const isRefused = error instanceof Error && 'code' in error && error.code === 'FST_STATIC_FORBIDDEN_PATH'
  return isRefused ? new WellKnown.ROUTE_NOT_FOUND(undefined, { cause: error }) : undefined
}

/** `GET /openapi.json`, written from the routes and the catalogue, and `GET /docs`, where it can be read and tried. */
export async function apiPages(
  app: FastifyInstance,
  { contract }: { readonly contract: ErrorContract },
): Promise<void> {
  let document: OpenApiDocument | undefined
  await app.register(openapi, {
    contract,
    info,
    security,
    tags,
    onDocument: (written) => {
      document = written
    },
  })
  // The page asks `swagger` for the document. Ours takes the place of the one that it would write by itself.
  await app.register(swagger, { openapi: { info }, transformObject: () => document as object })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CONTENT_SECURITY_POLICY,
    theme: {
      title: info.title,
      css: [{ filename: 'small.css', content: STYLE }],
      js: [{ filename: 'narrow-screens.js', content: NARROW_SCREENS }],
    },
    // Without the bar in which any address could be typed: the page shows this document.
    uiConfig: { layout: 'BaseLayout', docExpansion: 'list', defaultModelsExpandDepth: 0, tryItOutEnabled: true },
  })
}
Object.assign(apiPages, { [Symbol.for('skip-override')]: true })
