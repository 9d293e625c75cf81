// Setup of the tests of the admin routes: a server on a real socket, with two operators and a user.

import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { adminRoutes, type FastifyAdminOptions } from '../../fastify.ts'
import { Errors, type Line, serverPerTest, type TestServer, url } from './setup.ts'

const Forbidden = defineErrors({ NO_OPERATOR: { status: 403, message: 'Not for users.' } })

const ACTORS: ReadonlyMap<string, string> = new Map([
  ['Bearer ana', 'ana'],
  ['Bearer bob', 'bob'],
])

/** Accepts the tokens of two operators, refuses that of a user with 403 and any other with 401. */
export const authorize: FastifyAdminOptions['authorize'] = ({ headers }) => {
  const { authorization = '' } = headers
  if (authorization === 'Bearer user') throw new Forbidden.NO_OPERATOR()
  const actor = ACTORS.get(authorization)
  return actor === undefined ? undefined : { actor }
}

/** The contract of the server. */
export const contract = createErrorContract({ service: 'potion-shop', errors: Errors, locale: 'es' })

export interface AdminAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: the tests compare it
  readonly json: any
}

type Extra = Readonly<Record<string, string>>

export interface AdminServer extends TestServer {
  readonly get: (path: string, headers?: Extra) => Promise<AdminAnswer>
  /** Sends a body as JSON; a text as it is. */
  readonly post: (path: string, body: unknown, headers?: Extra) => Promise<AdminAnswer>
  /** The lines `admin.action` so far. */
  readonly actions: () => readonly Line[]
}

/** Returns a function that starts a server with the admin routes, for one test. */
export function adminServerPerTest(): (options?: Partial<FastifyAdminOptions>) => Promise<AdminServer> {
  const start = serverPerTest()
  return async (options = {}) => {
    const server = await start(async (app) => {
      await app.register(adminRoutes({ contract, authorize, ...options }))
    })
    const send = async (path: string, init: RequestInit): Promise<AdminAnswer> => {
      const response = await fetch(url(server, `/admin/shields${path}`), init)
      const text = await response.text()
      return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) }
    }
    const ana = { authorization: 'Bearer ana' }
    return {
      ...server,
      get: (path, headers = {}) => send(path, { headers: { ...ana, ...headers } }),
      post: (path, body, headers = {}) =>
        send(path, {
          method: 'POST',
          headers: { ...ana, 'content-type': 'application/json', ...headers },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        }),
      actions: () => server.lines.filter(({ event }) => event === 'admin.action'),
    }
  }
}
