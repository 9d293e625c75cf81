import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import Router from '@koa/router'
import Koa from 'koa'
import { describe, expect, it, vi } from 'vitest'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { escudo, inputOf, route } from '../../koa.ts'
import { Errors, get, serverPerTest } from './setup.ts'

const start = serverPerTest()
const answer = (ctx: { body: unknown }): void => {
  ctx.body = 'x'
}

describe('routes', () => {
  it('405 lists the methods of all routes of a path, in nested routers too, also if added later', async () => {
    const late = new Router()
    const { url, app } = await start((router) => {
      router.get('/items/:id', answer)
      router.put('/items/:id', answer)
      const orders = new Router({ prefix: '/orders' })
      orders.get('/:order', answer)
      router.use('/users/:user', orders.routes())
    })
    const allowed = async (path: string, method: string): Promise<readonly unknown[]> => {
      const { status, response } = await get(url + path, { method })
      return [status, response.headers.get('allow')]
    }
    expect(await allowed('/items/1', 'DELETE')).toEqual([405, 'GET, HEAD, PUT'])
    expect(await allowed('/users/ana/orders/1', 'DELETE')).toEqual([405, 'GET, HEAD'])
    late.patch('/items/:id', answer)
    app.use(late.routes())
    expect(await allowed('/users/ana', 'DELETE')).toEqual([404, null])
    expect(await allowed('/nowhere', 'DELETE')).toEqual([404, null])
  })

  it.each([{}, { throw: true }])('405 of allowedMethods(%j) is the same answer', async (options) => {
    const { url } = await start((router, app) => {
      router.get('/items/:id', answer)
      app.use(router.routes()).use(router.allowedMethods(options))
    })
    const { status, code, response } = await get(`${url}/items/1`, { method: 'PUT' })
    expect([status, code, response.headers.get('allow')?.split(', ').toSorted()]).toEqual([
      405,
      'METHOD_NOT_ALLOWED',
      ['GET', 'HEAD'],
    ])
    expect((await get(`${url}/items/1`, { method: 'OPTIONS' })).status).toBe(200)
  })

  it('middleware reads the route of the router as without escudo, each request its own', async () => {
    const read: unknown[] = []
    const { url } = await start((router, app) => {
      app.use(async (ctx, next) => {
        await next()
        read.push(ctx['_matchedRoute'])
      })
      router.get('/items/:id', answer)
    })
    for (const path of ['/items/1', '/nowhere']) await get(url + path)
    expect(read).toEqual(['/items/:id', undefined])
  })

  it('a wildcard route for OPTIONS makes no path exist', async () => {
    const { url } = await start((router) => {
      router.options('/{*path}', answer)
      router.get('/items', answer)
    })
    expect((await get(`${url}/nowhere`, { method: 'PUT' })).status).toBe(404)
    const { status, response } = await get(`${url}/items`, { method: 'PUT' })
    expect([status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })

  it('a route that sets nothing is 404, as is a middleware that does not continue', async () => {
    const { url, waitFor } = await start((router, app) => {
      app.use((ctx, next) => (ctx.path === '/stopped' ? undefined : next()))
      router.get('/nothing', () => {})
    })
    for (const path of ['/nothing', '/stopped']) {
      expect(await get(url + path)).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
    }
    expect(await waitFor('http.request')).toMatchObject([{ route: null }, { route: null }])
  })

  it('a status of an error without a body is answered by the contract; one with a body is kept', async () => {
    const { url } = await start((router) => {
      router.get('/status/:status', (ctx) => {
        ctx.status = Number(ctx.params['status'])
      })
      router.get('/own', (ctx) => {
        ctx.status = 418
        ctx.body = 'teapot'
      })
      router.get('/empty', (ctx) => {
        ctx.body = null
        ctx.status = 404
      })
    })
    const coded = async (status: number): Promise<unknown> => {
      const { status: got, code } = await get(`${url}/status/${status}`)
      return [got, code]
    }
    expect(await coded(404)).toEqual([404, 'NOT_FOUND'])
    expect(await coded(403)).toEqual([403, 'FORBIDDEN'])
    expect(await coded(500)).toEqual([500, 'INTERNAL_SERVER_ERROR'])
    expect(await coded(503)).toEqual([503, 'SERVICE_UNAVAILABLE'])
    expect(await get(`${url}/status/202`)).toMatchObject({ status: 202, text: 'Accepted' })
    expect(await get(`${url}/own`)).toMatchObject({ status: 418, text: 'teapot' })
    expect(await get(`${url}/empty`)).toMatchObject({ status: 404, text: '' })
  })

  it('the log line has the pattern of the route, also of an aborted request', async () => {
    const { url, lines } = await start((router) => {
      router.get('/', answer)
      router.get(['/a', '/b'], answer)
      router.get(/^\/reg/, answer)
      router.get('/slow/:id', () => new Promise((resolve) => setTimeout(resolve, 200)))
      const orders = new Router()
      orders.get('/orders/:order', answer)
      router.use('/users/:user', orders.routes())
    })
    for (const path of ['/', '/users/7/orders/9', '/b', '/regular', '/users/7']) await get(url + path)
    await expect(get(`${url}/slow/1`, { signal: AbortSignal.timeout(50) })).rejects.toThrow()
    const ended = (): readonly unknown[] =>
      lines.filter(({ event }) => event === 'http.request').map((line) => line['route'])
    await vi.waitFor(() => expect(ended()).toHaveLength(6))
    expect(ended()).toEqual(['/', '/users/:user/orders/:order', '/b', '/^\\/reg/', null, '/slow/:id'])
  })

  it('HEAD has the headers of GET and no body, for an answer and for an error', async () => {
    const { url } = await start((router) => {
      router.get('/items/:id', (ctx) => {
        if (ctx.params['id'] !== '1') throw new Errors.ITEM_NOT_FOUND({ id: ctx.params['id'] ?? '' })
        ctx.body = { id: '1' }
      })
    })
    for (const path of ['/items/1', '/items/2', '/nowhere']) {
      const [head, full] = [await get(url + path, { method: 'HEAD' }), await get(url + path)]
      expect([head.status, head.text]).toEqual([full.status, ''])
      expect(head.response.headers.get('content-length')).toBe(full.response.headers.get('content-length'))
      expect(head.response.headers.get('content-type')).toBe(full.response.headers.get('content-type'))
    }
  })

  it.each([
    ['/items/%zz', 400, 'BAD_REQUEST'],
    ['/items/%C3', 400, 'BAD_REQUEST'],
    [`/items/${'x'.repeat(5_000)}`, 414, 'URI_TOO_LONG'],
  ])('%s is refused before any middleware: %i', async (path, status, code) => {
    const seen = vi.fn()
    const { url } = await start((router, app) => {
      app.use((_ctx, next) => {
        seen()
        return next()
      })
      router.get('/items/:id', answer)
    })
    expect(await get(url + path)).toMatchObject({ status, code })
    expect(seen).not.toHaveBeenCalled()
  })
})

it('works for an application whose server listens already', async () => {
  const app = new Koa()
  app.use(() => {
    throw new Errors.ITEM_NOT_FOUND({ id: '1' })
  })
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  escudo(app, { contract: createErrorContract({ service: 'late', errors: Errors }) })
  const { port } = server.address() as { port: number }
  expect(await get(`http://127.0.0.1:${port}`)).toMatchObject({ status: 404, code: 'ITEM_NOT_FOUND' })
  server.closeAllConnections()
  server.close()
})

it('inputOf returns what route declared', () => {
  expect(inputOf(route({ errors: ['X'] }, () => {}))?.errors).toEqual(['X'])
  expect(inputOf(() => {})).toBeUndefined()
})

const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
it.each([
  [() => escudo(new Koa(), {} as never), 'escudo.contract'],
  [() => escudo({} as never, { contract }), 'escudo.app'],
  [() => escudo(undefined as never, { contract }), 'escudo.app'],
  [() => escudo(new Koa(), { contract, bodyLimit: 1 } as never), 'escudo.bodyLimit'],
  [() => route({ bodyy: 1 } as never, () => {}), 'route.bodyy'],
  [() => route({ body: {} } as never, () => {}), 'route.body'],
  [() => route({ bodyLimit: 0 }, () => {}), 'route.bodyLimit'],
  [() => route({}, undefined as never), 'route.handler'],
])('rejects invalid options: %s', (make, path) => {
  expect(make).toThrow(path)
})

it('a server that gets its connections from another one does not count as closing', async () => {
  const app = new Koa()
  escudo(app, { contract: createErrorContract({ service: 'x', errors: Errors }) })
  app.use(answer)
  const inner = createServer(app.callback())
  const outer = createTcpServer((socket) => void inner.emit('connection', socket)).listen(0, '127.0.0.1')
  await new Promise((resolve) => outer.once('listening', resolve))
  const { port } = outer.address() as { port: number }
  const { status } = await get(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } })
  expect(status).toBe(200)
  outer.close()
  inner.closeAllConnections()
})
