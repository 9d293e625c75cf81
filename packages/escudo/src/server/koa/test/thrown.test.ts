import createError from 'http-errors'
import type { Context, Middleware } from 'koa'
import { describe, expect, it, vi } from 'vitest'
import { ambient } from '../../../core/context/ambient.ts'
import { Errors, get, serverPerTest } from './setup.ts'

const start = serverPerTest()

const VALUES: readonly (readonly [name: string, value: unknown])[] = [
  ['null', null],
  ['undefined', undefined],
  ['0', 0],
  ['an empty string', ''],
  ['a string', 'bug'],
  ['a symbol', Symbol('bug')],
  ['an object that throws', new Proxy({}, { get: () => JSON.parse('{') })],
  ['an error', new Error('bug')],
]
const WAYS: Readonly<Record<string, (value: unknown) => Middleware>> = {
  'a synchronous handler': (value) => () => {
    throw value
  },
  'an asynchronous handler': (value) => () => Promise.reject(value),
  'a handler that has set a body': (value) => (ctx) => {
    ctx.body = 'never sent'
    ctx.set('etag', '"x"')
    throw value
  },
  'a handler with respond false': (value) => (ctx) => {
    ctx.respond = false
    throw value
  },
}

describe.each(Object.entries(WAYS))('what %s throws is a bug: 500, logged once', (_, make) => {
  it.each(VALUES)('%s, in a route and in a middleware', async (name, value) => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { url, lines, waitFor } = await start((router, app) => {
      app.use((ctx, next) => (ctx.path === '/middleware' ? make(value)(ctx, next) : next()))
      router.get('/route', make(value))
    })
    for (const path of ['/route', '/middleware']) {
      const answer = await get(url + path)
      expect({ name, path, ...answer }).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
      expect(answer.response.headers.get('etag')).toBeNull()
    }
    await waitFor('http.request')
    expect(lines.filter(({ event }) => event === 'http_error')).toHaveLength(2)
    expect(print).not.toHaveBeenCalled()
    print.mockRestore()
  })
})

describe('errors of Koa', () => {
  it('ctx.throw and ctx.assert keep a status that may be shown, and its headers', async () => {
    const { url } = await start((router) => {
      router.get('/throw', (ctx) => ctx.throw(401, 'Who is it?', { headers: { 'www-authenticate': 'Basic' } }))
      router.get('/assert', (ctx) => ctx.assert(false, 409, 'Taken.'))
      router.get('/hidden', (ctx) => ctx.throw(503, 'secret'))
      router.get('/created', () => {
        throw createError(418)
      })
      router.get('/upstream', () => {
        throw Object.assign(new Error('upstream'), { status: 401 })
      })
    })
    const { status, code, text, response } = await get(`${url}/throw`)
    expect([status, code, JSON.parse(text).message]).toEqual([401, 'UNAUTHORIZED', 'Who is it?'])
    expect(response.headers.get('www-authenticate')).toBe('Basic')
    expect(await get(`${url}/assert`)).toMatchObject({ status: 409, code: 'CONFLICT' })
    expect(await get(`${url}/created`)).toMatchObject({ status: 418 })
    expect(await get(`${url}/upstream`)).toMatchObject({ status: 500 })
    const hidden = await get(`${url}/hidden`)
    expect([hidden.status, hidden.text.includes('secret')]).toEqual([500, false])
  })

  it('listeners of the event error are told once; what they throw changes nothing', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const told: unknown[] = []
    const { url } = await start((router, app) => {
      app.on('error', (error: Error, ctx: Context) => {
        told.push([error.message, error.cause, ctx.path])
        throw new Error('broken listener')
      })
      app.once('error', (error: Error) => told.push(['once', error.message]))
      router.get('/error', () => {
        throw new Error('bug')
      })
      router.get('/null', () => {
        throw null
      })
      router.get('/circular', (ctx) => {
        const body: { self?: unknown } = {}
        body.self = body
        ctx.body = body
      })
    })
    for (const path of ['/error', '/null', '/circular', '/unknown']) await get(url + path)
    expect(told).toEqual([
      ['bug', undefined, '/error'],
      ['once', 'bug'],
      ['a middleware threw what is no Error', null, '/null'],
      [expect.stringMatching(/circular/i), undefined, '/circular'],
    ])
    expect([print.mock.calls.length, warn.mock.calls.length]).toEqual([0, 3])
    print.mockRestore()
    warn.mockRestore()
  })

  it('a body that JSON cannot hold is a bug', async () => {
    const { url, waitFor } = await start((router) => {
      router.get('/', (ctx) => {
        ctx.body = { big: 1n }
      })
    })
    expect(await get(url)).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
    expect(await waitFor('http_error')).toHaveLength(1)
  })
})

describe('answers', () => {
  it('with respond false, Koa and the adapter send nothing', async () => {
    const { url, waitFor } = await start((router) => {
      router.get('/', (ctx) => {
        ctx.respond = false
        setTimeout(() => ctx.res.writeHead(200).end('by hand'), 10)
      })
    })
    expect(await get(url)).toMatchObject({ status: 200, text: 'by hand' })
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 200 }])
  })

  it('a throw after the reply is logged once, and the reply arrives', async () => {
    const { url, waitFor } = await start((router) => {
      router.get('/', (ctx) => {
        ctx.respond = false
        ctx.res.end('whole')
        throw new Error('late')
      })
    })
    expect((await get(url)).text).toBe('whole')
    expect(await waitFor('http_error')).toMatchObject([{ log_level: 'error', status_code: 500 }])
  })

  it('a throw after the headers closes the connection, and is logged as 500', async () => {
    const { url, waitFor } = await start((router) => {
      router.get('/', (ctx) => {
        ctx.res.write('half')
        throw new Error('torn')
      })
    })
    await expect(get(url)).rejects.toThrow()
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 500, error_code: 'INTERNAL_SERVER_ERROR' }])
    expect(await waitFor('http_error')).toHaveLength(1)
  })

  it('an error that a middleware catches is not ours', async () => {
    const { url, lines, waitFor } = await start((router, app) => {
      app.use(async (ctx, next) => {
        try {
          await next()
        } catch {
          ctx.status = 400
          ctx.body = 'caught'
        }
      })
      router.get('/', () => {
        throw new Errors.ITEM_NOT_FOUND({ id: '1' })
      })
    })
    expect(await get(url)).toMatchObject({ status: 400, text: 'caught' })
    await waitFor('http.request')
    expect(lines.some(({ event }) => event === 'http_error')).toBe(false)
  })

  it('never mixes the contexts of interleaved requests', async () => {
    const { url } = await start((router) => {
      router.get('/:n', async (ctx) => {
        const before = ambient()?.traceId
        await new Promise((resolve) => setTimeout(resolve, Number(ctx.params['n']) % 7))
        ctx.body = [before, ambient()?.traceId]
      })
    })
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => get(`${url}/${n}`)))
    const ids = answers.map(({ text, response }) => [...JSON.parse(text), response.headers.get('x-trace-id')])
    expect(ids.every(([before, after, header]) => before === after && after === header)).toBe(true)
    expect(new Set(ids.map(([id]) => id)).size).toBe(50)
  })

  it('accepts the deadline of a trusted caller', async () => {
    const { url } = await start(
      (router) => {
        router.get('/', (ctx) => {
          ctx.body = String(ambient()?.deadlineMs !== undefined)
        })
      },
      { inboundDeadline: true },
    )
    expect((await get(url, { headers: { 'x-request-timeout-ms': '500' } })).text).toBe('true')
    expect((await get(url)).text).toBe('false')
  })
})
