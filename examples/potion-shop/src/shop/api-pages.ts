import swaggerUi from '@fastify/swagger-ui'
import type { ErrorContract } from 'escudo/errors'
import { openapi } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'

const TOKEN = { type: 'apiKey', in: 'header', name: 'X-Token' } as const

/** The access levels. A route that names one can answer with its errors. */
const security = {
  user: { scheme: { ...TOKEN, description: 'The token of a user' }, errors: ['AUTENTICACION_FALLIDA'] },
  admin: {
    scheme: { ...TOKEN, description: 'The token of an administrator' },
    errors: ['AUTENTICACION_FALLIDA', 'ACCESO_PROHIBIDO'],
  },
} as const

const tags = [
  { name: '4.1', description: 'Error strategy' },
  { name: '4.2', description: 'Custom errors' },
  { name: '4.3', description: 'Business and technical errors' },
  { name: '4.4', description: 'Retry' },
  { name: '4.5', description: 'Bulkhead' },
  { name: '4.6', description: 'Circuit breaker' },
  { name: '4.7', description: 'Graceful degradation' },
  { name: '4.8', description: 'Traces' },
  { name: '4.9', description: 'Traffic for the dashboard' },
] as const

const info = {
  title: 'The potion shop',
  version: '0.1.0',
  description:
    'Every error has the same body. A program reads `error_code` and `context`; `message` is for people, in Spanish or English according to `Accept-Language`.',
} as const

// The page loads files of this server only: no inline scripts and no other hosts.
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

// Swagger UI sets no viewport for small screens.
const NARROW_SCREENS = `const meta = document.createElement('meta')
meta.name = 'viewport'
meta.content = 'width=device-width, initial-scale=1'
document.head.append(meta)
`

// The shop uses no OpenAPI links, and their empty column would take a third of a small screen.
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

/** Adds `GET /openapi.json`, generated from routes and catalogue, and its page `GET /docs`. */
export async function apiPages(
  app: FastifyInstance,
  { contract }: { readonly contract: ErrorContract },
): Promise<void> {
  await app.register(openapi, { contract, info, security, tags })
  // The page shows `app.swagger()`, which is that document.
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CONTENT_SECURITY_POLICY,
    theme: {
      title: info.title,
      css: [{ filename: 'small.css', content: STYLE }],
      js: [{ filename: 'narrow-screens.js', content: NARROW_SCREENS }],
    },
    // BaseLayout has no address bar, so the page shows this document only.
    uiConfig: { layout: 'BaseLayout', docExpansion: 'list', defaultModelsExpandDepth: 0, tryItOutEnabled: true },
  })
}
Object.assign(apiPages, { [Symbol.for('skip-override')]: true })
