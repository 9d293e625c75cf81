// The small service as a function (request: Request) => Response: npm run example:web
import { Readable } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { createLogger } from 'escudo/pino'
import { escudo, route } from 'escudo/web'
import { contractOf, NewUser } from '../shared/errors.ts'
import { HOST, PORT } from '../shared/port.ts'
import {
  brokenBody,
  CACHE_HEADERS,
  deadline,
  item,
  throwAfterHeaders,
  throwContext,
  throwValue,
} from '../shared/service.ts'
import { upstream } from '../shared/upstream.ts'

type Answer = (request: Request, parameter: string) => Response | Promise<Response>

const createUser = route({ body: NewUser }, (_request, { body }) => Response.json(body, { status: 201 }))

/** The routes, by method and path. A colon is a parameter, which is never empty. */
const ROUTES: Readonly<Record<string, Answer>> = {
  'GET /items/:': (_request, id) => Response.json(item(id)),
  'POST /users': (request) => createUser(request),
  'GET /throw/:': (_request, what) => throwValue(what),
  'GET /context/:': (_request, kind) => throwContext(kind),
  'GET /throw-after-cache-headers': () => {
    // A Response has its headers only once it exists, so these are lost with it.
    new Headers(CACHE_HEADERS)
    return throwAfterHeaders()
  },
  'GET /upstream/:': async (_request, how) => Response.json(await upstream(how)),
  'GET /stream-then-throw': () => new Response(Readable.toWeb(Readable.from(brokenBody())) as ReadableStream),
  'GET /deadline': () => new Response(deadline()),
}

const METHODS = ['GET', 'POST']
/** The key of a path in the table: that of `/items/1` is `/items/:`. */
const keyOf = (method: string, path: string): string => `${method} ${path.replace(/^(\/[^/]+\/)[^/]+$/, '$1:')}`

const contract = contractOf('web')
const { handler, createServer } = escudo({
  contract,
  logger: createLogger({ service: contract.service }),
  inboundDeadline: true,
  methods: (path) => {
    const methods = METHODS.filter((method) => Object.hasOwn(ROUTES, keyOf(method, path)))
    return methods.includes('GET') ? [...methods, 'HEAD'] : methods
  },
})

const fetch = handler(async (request) => {
  const { pathname } = new URL(request.url)
  const key = keyOf(request.method === 'HEAD' ? 'GET' : request.method, pathname)
  const answer = Object.hasOwn(ROUTES, key) ? ROUTES[key] : undefined
  return await answer?.(request, decodeURIComponent(pathname.split('/')[2] ?? ''))
})

const server = createServer({}, getRequestListener(fetch, { hostname: HOST }))
server.listen(PORT, HOST)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close())
