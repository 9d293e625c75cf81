import type { IncomingMessage, ServerResponse } from 'node:http'
import { Admin } from '../admin/admin.ts'
import { BODY_BYTES_MAX } from '../admin/command.ts'
import { ADMIN_HEADERS, type AdminOptions, serveAdmin } from '../admin/serve.ts'
import { fromExpressError } from '../express/express-errors.ts'
import { answerOnNode } from '../node/error-response.ts'
import { existingExchange } from '../node/exchanges.ts'
import { readParsed } from '../node/read-json.ts'
import { fromNestError } from './nest-errors.ts'

/** Options of {@link adminRoutes} for Nest. */
export type NestAdminOptions = AdminOptions<IncomingMessage>

/** A middleware of Nest, on both platforms. */
export type NestMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * Makes the middleware with which operators see and change the shields of the running process, on both platforms.
 *
 * - `GET /admin/shields`: the status of every live shield; `GET /admin/shields/:shield`: of one.
 * - `POST /admin/shields/:shield` and `POST /admin/shields/:shield/:policy` act, with the body
 *   `{ "action", "reason"?, "options"? }`.
 *
 * Each authorized request that acts writes one log line `admin.action`, also if it is refused. Nothing is acted on for a
 * page of another origin. Pass it to `app.use`, which applies no global prefix; `app.use('/internal', adminRoutes(…))`
 * moves the routes. Guards of Nest do not run for middleware: `authorize` decides, with a provider of the application if
 * it needs one.
 *
 * @param options.authorize receives Node's request and returns the operator, or undefined: 401. May throw an
 * `HttpException`
 * @throws ConfigurationError for an invalid option, and without `authorize`
 * @example
 * ```ts
 * import 'reflect-metadata'
 * import { Module } from '@nestjs/common'
 * import { NestFactory } from '@nestjs/core'
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { adminRoutes, EscudoModule } from 'escudo/nest'
 *
 * const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
 * class Operators {
 *   readonly tokens = new Map([['s3cret-of-ana', 'ana']])
 * }
 * class AppModule {}
 * Module({ providers: [Operators], imports: [EscudoModule.forRoot({ contract })] })(AppModule)
 *
 * const app = await NestFactory.create(AppModule, { logger: false })
 * const { tokens } = app.get(Operators)
 * app.use(
 *   adminRoutes({
 *     contract,
 *     authorize: ({ headers }) => {
 *       const actor = tokens.get(headers.authorization?.replace('Bearer ', '') ?? '')
 *       return actor === undefined ? undefined : { actor }
 *     },
 *   }),
 * )
 * await app.listen(0, '127.0.0.1')
 * const headers = { authorization: 'Bearer s3cret-of-ana' }
 * console.log((await fetch(`${await app.getUrl()}/admin/shields`, { headers })).status) // 200
 * await app.close()
 * ```
 */
export function adminRoutes(options: NestAdminOptions): NestMiddleware {
  const admin = new Admin(options)
  return (request, response, next) => {
    const { method = 'GET', url = '/', headers } = request
    const { body } = request as { readonly body?: unknown }
    const exchange = existingExchange(request)
    const served = serveAdmin(admin, {
      request,
      method,
      path: url.replace(/\?.*$/s, ''),
      headers,
      exchange,
      readBody: () => readParsed(request, body, BODY_BYTES_MAX),
    })
    if (served === undefined) {
      next()
      return
    }
    served.then(
      (answer) => send(response, JSON.stringify(answer)),
      (error: unknown) => {
        // Nest on Fastify would answer an error of middleware with the route that it matches.
        if (exchange === undefined) next(error)
        else answerOnNode(exchange, fromNestError(fromExpressError(error)), request, response)
      },
    )
  }
}

function send(response: ServerResponse, text: string): void {
  // The client has disconnected, or middleware has answered.
  if (response.headersSent || response.destroyed) return
  for (const [name, value] of Object.entries(ADMIN_HEADERS)) response.setHeader(name, value)
  response.setHeader('content-type', 'application/json; charset=utf-8')
  response.setHeader('content-length', Buffer.byteLength(text))
  response.end(text)
}
