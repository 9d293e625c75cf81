import { gzipSync } from 'node:zlib'
import { bodyParser } from '@koa/bodyparser'
import cors from '@koa/cors'
import multer from '@koa/multer'
import type Koa from 'koa'
import oldBodyParser from 'koa-bodyparser'
import rateLimit from 'koa-ratelimit'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { WellKnown } from '../../../errors/catalogue/well-known.ts'
import { route } from '../../koa.ts'
import { Errors, get, serverPerTest } from './setup.ts'

const start = serverPerTest()
const json = (body: string): RequestInit => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body })

describe.each([
  ['koa-bodyparser', oldBodyParser],
  ['@koa/bodyparser', bodyParser],
] as const)('%s', (_, parser) => {
  const use = (app: Koa, limit: string): void => {
    app.use(parser({ jsonLimit: limit, enableTypes: ['json', 'form'] }) as Koa.Middleware)
  }

  it('its errors have the codes of the contract, and repeat nothing of the body', async () => {
    const { url, lines } = await start((router, app) => {
      use(app, '100b')
      router.post('/', (ctx) => {
        ctx.body = (ctx.request as { body?: unknown }).body
      })
    })
    const post = (body: string | Uint8Array, encoding?: string): ReturnType<typeof get> => {
      const headers = { 'content-type': 'application/json', ...(encoding && { 'content-encoding': encoding }) }
      return get(url, { method: 'POST', headers, body: body as string })
    }
    const answers = [
      await post('{"hunter2":'),
      await post('"hunter2"'),
      await post('{"__proto__":1}'),
      await post(`{"a":"${'x'.repeat(200)}"}`),
      await post('{}', 'rot13'),
      await post('hunter2', 'gzip'),
      await post(gzipSync('{"a":1}').subarray(0, 15), 'gzip'),
      await post('hunter2', 'br'),
    ]
    expect(answers.map(({ status, code }) => [status, code])).toEqual([
      [400, 'MALFORMED_JSON'],
      [400, 'MALFORMED_JSON'],
      [400, 'MALFORMED_JSON'],
      [413, 'PAYLOAD_TOO_LARGE'],
      [415, 'UNSUPPORTED_MEDIA_TYPE'],
      [400, 'BAD_REQUEST'],
      [400, 'BAD_REQUEST'],
      [400, 'BAD_REQUEST'],
    ])
    expect(answers.map(({ text }) => text).join() + JSON.stringify(lines)).not.toContain('hunter2')
    expect((await post(gzipSync('{"a":1}'), 'gzip')).text).toBe('{"a":1}')
  })

  it('route() takes the body that it has read, and reads the one that it has not', async () => {
    const { url } = await start((router, app) => {
      use(app, '1mb')
      router.post(
        '/',
        route({ body: z.object({ a: z.unknown().optional() }) }, (ctx, { body }) => {
          ctx.body = body
        }),
      )
    })
    expect((await get(url, json('{"a":1}'))).text).toBe('{"a":1}')
    expect(await get(url, json('{}'))).toMatchObject({ status: 200 })
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await get(url, { method: 'POST', headers: form, body: 'a=1' })).text).toBe('{"a":"1"}')
    const text = { 'content-type': 'text/plain' }
    expect(await get(url, { method: 'POST', headers: text, body: '{}' })).toMatchObject({ status: 415 })
    expect(await get(url, { method: 'POST' })).toMatchObject({ status: 400, code: 'MALFORMED_JSON' })
  })
})

describe('route()', () => {
  it('validates all parts, and gives the handler the outputs of the schemas', async () => {
    const input = {
      params: z.object({ id: z.string().regex(/^\d+$/).transform(Number) }),
      query: z.object({ page: z.coerce.number().default(1) }),
      headers: z.object({ 'x-key': z.string() }),
      body: z.object({ nombre: z.string() }),
    }
    const { url } = await start((router) => {
      router.post(
        '/users/:id',
        route(input, (ctx, { params, query, body }) => {
          ctx.body = [params.id, query.page, body.nombre, (ctx.request as { body?: unknown }).body]
        }),
      )
    })
    const init = json('{"nombre":"Ana","more":1}')
    expect((await get(`${url}/users/7?page=2`, { ...init, headers: { ...init.headers, 'x-key': 'k' } })).text).toBe(
      '[7,2,"Ana",{"nombre":"Ana","more":1}]',
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

  it('reads a body up to its limit, and answers 413 while the client still sends', async () => {
    const { url } = await start((router) => {
      router.post(
        '/',
        route({ body: z.unknown(), bodyLimit: 30 }, (ctx) => {
          ctx.body = 'read'
        }),
      )
    })
    expect((await get(url, json('{"nombre":"Ana"}'))).text).toBe('read')
    expect(await get(url, json('x'.repeat(1_000_000)))).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' })
  })

  it('a handler can continue with next', async () => {
    const { url } = await start((router) => {
      router.get(
        '/',
        route({}, (_ctx, _parts, next) => next()),
        (ctx) => {
          ctx.body = 'second'
        },
      )
    })
    expect((await get(url)).text).toBe('second')
  })
})

describe('middleware', () => {
  it('@koa/multer: 413 over a limit, 400 for an unexpected field or a malformed body', async () => {
    const upload = multer({ limits: { fileSize: 10 } })
    const { url } = await start((router) => {
      router.post('/', upload.single('file'), (ctx) => {
        ctx.body = String(ctx.file?.size)
      })
    })
    const send = (name: string, content: string): ReturnType<typeof get> => {
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

  it('koa-ratelimit with throw: 429 with its headers', async () => {
    const { url } = await start((router, app) => {
      app.use(rateLimit({ driver: 'memory', db: new Map(), max: 1, throw: true }))
      router.get('/', (ctx) => {
        ctx.body = 'x'
      })
    })
    expect((await get(url)).status).toBe(200)
    const { status, code, response } = await get(url)
    expect([status, code]).toEqual([429, 'RATE_LIMITED'])
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(response.headers.get('x-ratelimit-limit')).toBe('1')
  })

  it('a 429 of the service that is thrown after koa-ratelimit keeps its code', async () => {
    const { url } = await start((router, app) => {
      app.use(rateLimit({ driver: 'memory', db: new Map(), max: 9, throw: true }))
      router.get('/', (ctx) => ctx.throw(429, 'Too many drafts.'))
    })
    expect(await get(url)).toMatchObject({ status: 429, code: 'TOO_MANY_REQUESTS' })
  })

  it('with @koa/cors, a preflight is answered, and errors keep its headers', async () => {
    const { url } = await start((router, app) => {
      app.use(cors({ origin: 'https://page.example', credentials: true }))
      router.get('/items/:id', (ctx) => {
        throw new Errors.ITEM_NOT_FOUND({ id: ctx.params['id'] ?? '' })
      })
      router.get('/limited', () => {
        throw new WellKnown.RATE_LIMITED()
      })
    })
    const headers = { origin: 'https://page.example', 'access-control-request-method': 'GET' }
    expect((await get(`${url}/items/1`, { method: 'OPTIONS', headers })).status).toBe(204)
    const requests = [
      ['GET', '/items/1', 404],
      ['GET', '/limited', 429],
      ['GET', '/nowhere', 404],
      ['DELETE', '/items/1', 405],
    ] as const
    for (const [method, path, status] of requests) {
      const answer = await get(url + path, { method, headers })
      const { headers: got } = answer.response
      expect([answer.status, got.get('access-control-allow-origin')]).toEqual([status, 'https://page.example'])
      expect(got.get('vary')).toBe('Origin, Accept, Accept-Language')
    }
  })
})
