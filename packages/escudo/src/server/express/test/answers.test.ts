import { createServer } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import cors from 'cors'
import express, { Router } from 'express'
import { rateLimit } from 'express-rate-limit'
import multer from 'multer'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { ambient } from '../../../core/context/ambient.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { escudo, inputOf, rateLimitHandler, route } from '../../express.ts'
import { Errors, get, serverPerTest } from './setup.ts'

const start = serverPerTest()
const json = (body: string): RequestInit => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body })

describe('routes', () => {
  it('405 lists the methods of all routes of a path, in routers too, also if they were added later', async () => {
    const router = Router({ mergeParams: true })
    const { url } = await start((app) => {
      app.get('/items/:id', (_request, response) => void response.send('x'))
      app.put('/items/:id', (_request, response) => void response.send('x'))
      router.get('/orders', (_request, response) => void response.send('x'))
      app.use('/users/:user', router)
    })
    const allowed = async (path: string, method: string): Promise<readonly unknown[]> => {
      const { status, response } = await get(url + path, { method })
      return [status, response.headers.get('allow')]
    }
    expect(await allowed('/items/1', 'DELETE')).toEqual([405, 'GET, HEAD, PUT'])
    expect(await allowed('/users/ana/orders', 'DELETE')).toEqual([405, 'GET, HEAD'])
    router.patch('/orders', (_request, response) => void response.send('x'))
    expect(await allowed('/users/ana/orders', 'DELETE')).toEqual([405, 'GET, HEAD, PATCH'])
    expect(await allowed('/users/ana', 'DELETE')).toEqual([404, null])
    expect(await allowed('/nowhere', 'DELETE')).toEqual([404, null])
  })

  it('the log line has the pattern of the route, with those of the routers around it', async () => {
    const inner = Router()
    inner.get('/orders/:order', (_request, response) => void response.send('x'))
    const outer = Router()
    outer.use('/users/:user', inner)
    const { url, lines } = await start((app) => {
      app.get('/', (_request, response) => void response.send('x'))
      app.use('/api', outer)
      app.get(['/a', '/b'], (_request, response) => void response.send('x'))
    })
    for (const path of ['/', '/api/users/7/orders/9', '/b', '/api/users/7']) await get(url + path)
    await vi.waitFor(() => expect(lines.filter(({ event }) => event === 'http.request')).toHaveLength(4))
    const routes = lines.filter(({ event }) => event === 'http.request').map((line) => line['route'])
    expect(routes).toEqual(['/', '/api/users/:user/orders/:order', '/a, /b', null])
  })

  it('an application that is mounted in another one has its own parts, and all patterns', async () => {
    const inner = express()
    const contract = createErrorContract({ service: 'inner', errors: Errors })
    const parts = escudo({ contract })
    inner.use(parts.first)
    inner.get('/things/:id', (_request, response) => void response.send('x'))
    inner.use(parts.last)
    const { url, lines } = await start((app) => {
      app.use('/admin/:tenant', inner)
    })
    expect((await get(`${url}/admin/a/things/1`)).status).toBe(200)
    const { status, response } = await get(`${url}/admin/a/things/1`, { method: 'DELETE' })
    expect([status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(await get(`${url}/admin/a/nothing`)).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
    await vi.waitFor(() => expect(lines.filter(({ event }) => event === 'http.request')).toHaveLength(3))
    expect(lines.find(({ event }) => event === 'http.request')?.['route']).toBe('/admin/:tenant/things/:id')
  })

  it('with cors, a preflight is answered, and errors of all kinds keep its headers', async () => {
    const { url } = await start((app) => {
      app.use(cors({ origin: 'https://page.example', credentials: true }))
      app.get('/items/:id', ({ params }) => {
        throw new Errors.ITEM_NOT_FOUND({ id: params.id })
      })
    })
    const headers = { origin: 'https://page.example', 'access-control-request-method': 'GET' }
    expect((await get(`${url}/items/1`, { method: 'OPTIONS', headers })).status).toBe(204)
    const requests: readonly (readonly [string, string, number])[] = [
      ['GET', '/items/1', 404],
      ['GET', '/items/%zz', 400],
      ['GET', '/nowhere', 404],
      ['DELETE', '/items/1', 405],
      ['GET', `/items/${'x'.repeat(5_000)}`, 414],
    ]
    for (const [method, path, status] of requests) {
      const answer = await get(url + path, { method, headers })
      expect([answer.status, answer.response.headers.get('access-control-allow-origin')]).toEqual([
        status,
        'https://page.example',
      ])
      expect(answer.response.headers.get('vary')).toBe('Origin, Accept, Accept-Language')
    }
  })
})

describe('bodies', () => {
  it('those of express.json() and express.urlencoded() fail with the codes of the contract, and repeat nothing', async () => {
    const { url } = await start((app) => {
      app.use(express.json({ limit: 100, verify: (_request, _response, bytes) => void verify(bytes) }))
      app.use(express.urlencoded({ parameterLimit: 2, limit: 1_000 }))
      app.post('/', ({ body }, response) => void response.json(body))
    })
    const post = (body: string, type: string): Promise<Awaited<ReturnType<typeof get>>> =>
      get(url, { method: 'POST', headers: { 'content-type': type }, body })
    const answers = [
      await post('{"hunter2":', 'application/json'),
      await post(`"${'x'.repeat(200)}"`, 'application/json'),
      await post('{}', 'application/json; charset=latin1'),
      await post('a=1&b=2&c=3', 'application/x-www-form-urlencoded'),
      await post('{"forbidden":1}', 'application/json'),
      await get(url, { ...json('{}'), headers: { 'content-type': 'application/json', 'content-encoding': 'rot13' } }),
    ]
    expect(answers.map(({ status, code }) => [status, code])).toEqual([
      [400, 'MALFORMED_JSON'],
      [413, 'PAYLOAD_TOO_LARGE'],
      [415, 'UNSUPPORTED_MEDIA_TYPE'],
      [413, 'PAYLOAD_TOO_LARGE'],
      [403, 'FORBIDDEN'],
      [415, 'UNSUPPORTED_MEDIA_TYPE'],
    ])
    expect(answers.map(({ text }) => text).join()).not.toContain('hunter2')
  })

  function verify(bytes: Buffer): void {
    if (bytes.includes('forbidden')) throw new Error('not signed')
  }

  it('route() validates all parts, and gives the handler the outputs of the schemas', async () => {
    const input = {
      params: z.object({ id: z.string().regex(/^\d+$/).transform(Number) }),
      query: z.object({ page: z.coerce.number().default(1) }),
      headers: z.object({ 'x-key': z.string() }),
      body: z.object({ nombre: z.string() }),
    }
    const { url } = await start((app) => {
      app.post(
        '/users/:id',
        route(input, ({ params, query, body }, response) => void response.json([params.id, query.page, body.nombre])),
      )
    })
    const init = json('{"nombre":"Ana","more":1}')
    expect((await get(`${url}/users/7?page=2`, { ...init, headers: { ...init.headers, 'x-key': 'k' } })).text).toBe(
      '[7,2,"Ana"]',
    )
    const { status, text } = await get(`${url}/users/x?page=y`, json('{"nombre":5}'))
    expect(status).toBe(422)
    const findings = JSON.parse(text).context.errors as readonly { in: string; pointer: string }[]
    expect(findings.map((finding) => `${finding.in}${finding.pointer}`)).toEqual([
      'params/id',
      'query/page',
      'headers/x-key',
      'body/nombre',
    ])
  })

  it('route() reads a body up to its limit, and takes the one that a body parser has read', async () => {
    const body = z.object({ nombre: z.string() })
    const echo = route({ body, bodyLimit: 30 }, (request, response) => void response.json(request.body))
    const { url } = await start(
      (app) => {
        app.post('/small', echo)
        app.post(
          '/default',
          route({ body }, (request, response) => void response.json(request.body)),
        )
        app.post('/parsed', express.json(), echo)
      },
      { bodyLimit: 60 },
    )
    const large = JSON.stringify({ nombre: 'x'.repeat(40) })
    expect((await get(`${url}/small`, json('{"nombre":"Ana"}'))).text).toBe('{"nombre":"Ana"}')
    expect(await get(`${url}/small`, json(large))).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' })
    expect((await get(`${url}/default`, json(large))).text).toBe(large)
    expect(await get(`${url}/default`, json(large + ' '.repeat(60)))).toMatchObject({ status: 413 })
    expect((await get(`${url}/parsed`, json(large))).text).toBe(large)
  })

  it('multer: 413 over a limit, 400 for an unexpected field or a malformed body', async () => {
    const upload = multer({ limits: { fileSize: 10 } })
    const { url } = await start((app) => {
      app.post('/', upload.single('file'), ({ file }, response) => void response.json(file?.size))
    })
    const send = (name: string, content: string): Promise<Awaited<ReturnType<typeof get>>> => {
      const body = new FormData()
      body.set(name, new Blob([content]), 'a.txt')
      return get(url, { method: 'POST', body })
    }
    expect((await send('file', 'short')).text).toBe('5')
    expect(await send('file', 'x'.repeat(20))).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' })
    expect(await send('other', 'short')).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
    const headers = { 'content-type': 'multipart/form-data; boundary=x' }
    expect(await get(url, { method: 'POST', headers, body: '--x\r\nrubbish' })).toMatchObject({ status: 400 })
  })

  it('express-rate-limit: 429 with its headers', async () => {
    const { url } = await start((app) => {
      app.use(rateLimit({ windowMs: 60_000, limit: 1, handler: rateLimitHandler, standardHeaders: 'draft-6' }))
      app.get('/', (_request, response) => void response.send('x'))
    })
    expect((await get(url)).status).toBe(200)
    const { status, code, response } = await get(url)
    expect([status, code]).toEqual([429, 'RATE_LIMITED'])
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(response.headers.get('ratelimit-limit')).toBe('1')
  })
})

describe('answers', () => {
  it('a throw after the reply is logged once, and the reply arrives', async () => {
    const { url, waitFor } = await start((app) => {
      app.get('/', (_request, response) => {
        response.send('whole')
        throw new Error('late')
      })
    })
    expect(await get(url)).toMatchObject({ status: 200, text: 'whole' })
    expect(await waitFor('http_error')).toMatchObject([{ log_level: 'error', status_code: 500 }])
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 200 }])
  })

  it('a throw after the headers cuts the connection, and is logged as 500', async () => {
    const { url, waitFor } = await start((app) => {
      app.get('/', (_request, response) => {
        response.write('half')
        throw new Error('torn')
      })
    })
    await expect(get(url)).rejects.toThrow()
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 500, error_code: 'INTERNAL_SERVER_ERROR' }])
    expect(await waitFor('http_error')).toHaveLength(1)
  })

  it('a stream that fails in pipeline() is logged as 500, although it has closed the connection', async () => {
    const { url, waitFor } = await start((app) => {
      app.get('/', async (_request, response) => {
        const parts = async function* (): AsyncGenerator<string> {
          yield 'half'
          await new Promise((resolve) => setTimeout(resolve, 10))
          throw new Error('torn')
        }
        await pipeline(Readable.from(parts()), response)
      })
    })
    await expect(get(url)).rejects.toThrow()
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 500 }])
    expect(await waitFor('http_error')).toMatchObject([{ status_code: 500, error_type: 'Error' }])
  })

  it.each(['end', 'writeHead', 'setHeader', 'getHeaderNames'] as const)(
    'if %s of the response is broken, the answer is sent without it, or the connection closed',
    async (name) => {
      const { url, waitFor } = await start((app) => {
        app.use((_request, response, next) => {
          Object.assign(response, {
            [name]: () => {
              throw new Error('broken middleware')
            },
          })
          next()
        })
        app.get('/', () => {
          throw new Errors.ITEM_NOT_FOUND({ id: '1' })
        })
      })
      const answer = await get(url, { signal: AbortSignal.timeout(5_000) })
      expect(answer).toMatchObject({ status: 404, code: 'ITEM_NOT_FOUND' })
      expect(answer.response.headers.get('x-trace-id')).toBe(JSON.parse(answer.text).trace_id)
      expect(await waitFor('http_error_sending_failed')).toHaveLength(1)
    },
  )

  it('a client that disconnects is logged as 499', async () => {
    let arrived: (() => void) | undefined
    const { port, waitFor } = await start((app) => {
      app.get('/', () => arrived?.())
    })
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
    await waiting
    socket.destroy()
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 499 }])
  })

  it('a client that disconnects in the middle of a body is logged as 499, and not as an error', async () => {
    const { port, waitFor, lines } = await start((app) => {
      app.get('/', (_request, response) => void response.write('first'))
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
    await new Promise((resolve) => socket.once('data', resolve))
    socket.destroy()
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 499 }])
    expect(lines.some(({ event }) => event === 'http_error')).toBe(false)
  })

  it('while the server closes, a request on an open connection gets 503 SHUTTING_DOWN', async () => {
    let finish: (() => void) | undefined
    const { port, server } = await start((app) => {
      app.get('/slow', (_request, response) => {
        finish = () => response.send('x')
      })
    })
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.write('GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n')
    await vi.waitFor(() => expect(finish).toBeDefined())
    server.close()
    socket.write('GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n')
    finish?.()
    await new Promise((resolve) => socket.once('close', resolve))
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).toContain('HTTP/1.1 503')
    expect(text).toContain('"error_code":"SHUTTING_DOWN"')
  })

  it('a server that gets its connections from another one does not count as closing', async () => {
    const { first, last, attach } = escudo({ contract: createErrorContract({ service: 'x', errors: Errors }) })
    const app = express()
    app.use(first)
    app.get('/', (_request, response) => void response.send('x'))
    app.use(last)
    const inner = attach(createServer(app))
    const outer = createTcpServer((socket) => void inner.emit('connection', socket)).listen(0, '127.0.0.1')
    await new Promise((resolve) => outer.once('listening', resolve))
    const { port } = outer.address() as { port: number }
    const { status } = await get(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } })
    expect(status).toBe(200)
    outer.close()
    inner.closeAllConnections()
  })

  it('never mixes the contexts of interleaved requests', async () => {
    const { url } = await start((app) => {
      app.post(
        '/',
        route({ body: z.object({ n: z.number() }) }, async ({ body }, response) => {
          const before = ambient()?.traceId
          await new Promise((resolve) => setTimeout(resolve, body.n % 7))
          response.json([before, ambient()?.traceId])
        }),
      )
    })
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => get(url, json(JSON.stringify({ n })))))
    const ids = answers.map(({ text, response }) => [...JSON.parse(text), response.headers.get('x-trace-id')])
    expect(ids.every(([before, after, header]) => before === after && after === header)).toBe(true)
    expect(new Set(ids.map(([id]) => id)).size).toBe(50)
  })
})

it('inputOf returns what route declared', () => {
  expect(inputOf(route({ errors: ['X'] }, () => {}))?.errors).toEqual(['X'])
  expect(inputOf(() => {})).toBeUndefined()
})

it.each([
  [() => escudo({} as never), 'escudo.contract'],
  [() => escudo({ bodyLimit: 0 } as never), 'escudo.contract'],
  [() => route({ bodyy: 1 } as never, () => {}), 'route.bodyy'],
  [() => route({ body: {} } as never, () => {}), 'route.body'],
  [() => route({ bodyLimit: 0 }, () => {}), 'route.bodyLimit'],
  [() => route({}, undefined as never), 'route.handler'],
])('rejects invalid options: %s', (make, path) => {
  expect(make).toThrow(path)
})
