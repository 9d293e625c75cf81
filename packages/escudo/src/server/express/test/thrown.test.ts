import { once } from 'node:events'
import { connect } from 'node:net'
import express, { type ErrorRequestHandler, type RequestHandler, Router } from 'express'
import createError from 'http-errors'
import { describe, expect, it } from 'vitest'
import { get, serverPerTest } from './setup.ts'

const start = serverPerTest()

const VALUES: readonly (readonly [name: string, value: unknown])[] = [
  ['null', null],
  ['undefined', undefined],
  ['0', 0],
  ['false', false],
  ['an empty string', ''],
  ["'route'", 'route'],
  ["'router'", 'router'],
  ['NaN', Number.NaN],
  ['a string', 'bug'],
  ['a symbol', Symbol('bug')],
]

const WAYS: Readonly<Record<string, (value: unknown) => RequestHandler>> = {
  'a synchronous handler': (value) => () => {
    throw value
  },
  'an asynchronous handler': (value) => async () => {
    await Promise.resolve()
    throw value
  },
  'a handler that returns a rejected promise': (value) => () => Promise.reject(value),
}

describe.each(Object.entries(WAYS))('what %s throws is a bug: 500', (_, make) => {
  it.each(VALUES)('%s, in a route, a middleware, a router, and a route of it', async (name, value) => {
    const { url, waitFor } = await start((app) => {
      app.get('/route', make(value))
      app.get('/second', (_request, _response, next) => next(), make(value))
      app.use('/middleware', make(value))
      const router = Router()
      router.get('/route', make(value))
      router.use('/middleware', make(value))
      app.use('/router', router)
    })
    for (const path of ['/route', '/second', '/middleware', '/router/route', '/router/middleware']) {
      expect({ name, path, ...(await get(url + path)) }).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
    }
    const [line] = await waitFor('http_error')
    expect(JSON.stringify(line)).not.toContain('ThrownValue')
  })
})

it.each(VALUES)('%s, thrown by a function of app.param, does not let the request through', async (_, value) => {
  const { url } = await start((app) => {
    app.param('id', () => {
      throw value
    })
    app.param('key', async () => Promise.reject(value))
    app.get('/id/:id', (_request, response) => void response.send('secret'))
    app.get('/key/:key', (_request, response) => void response.send('secret'))
  })
  expect(await get(`${url}/id/1`)).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
  expect(await get(`${url}/key/1`)).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
})

describe('the signals of Express still work', () => {
  it("next(), next('route') and next('router') go on, and an unanswered route is 404", async () => {
    const { url, waitFor } = await start((app) => {
      app.get('/next', (_request, _response, next) => next())
      app.get('/route', (_request, _response, next) => next('route'), WAYS['a synchronous handler']?.('bug') as never)
      app.get('/route', (_request, response) => void response.send('second route'))
      const router = Router()
      router.get('/', (_request, _response, next) => next('router'))
      router.get('/', (_request, response) => void response.send('not reached'))
      app.use('/router', router)
      app.get('/router', (_request, response) => void response.send('after the router'))
    })
    expect(await get(`${url}/next`)).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
    expect((await waitFor('http.request'))[0]).toMatchObject({ route: null })
    expect((await get(`${url}/route`)).text).toBe('second route')
    expect((await get(`${url}/router`)).text).toBe('after the router')
  })

  it('error handlers of the application run first, and what they throw is a bug too', async () => {
    const seen: unknown[] = []
    const { url } = await start((app) => {
      app.get('/passed', () => {
        throw new Error('passed')
      })
      app.get('/replaced', () => {
        throw new Error('replaced')
      })
      app.get('/answered', () => {
        throw new Error('answered')
      })
      const handler: ErrorRequestHandler = (error, _request, response, next) => {
        seen.push(error.message)
        if (error.message === 'replaced') throw null
        if (error.message === 'answered') response.status(418).send('handled')
        else next(error)
      }
      app.use(handler)
    })
    expect(await get(`${url}/passed`)).toMatchObject({ status: 500 })
    expect(await get(`${url}/replaced`)).toMatchObject({ status: 500 })
    expect(await get(`${url}/answered`)).toMatchObject({ status: 418, text: 'handled' })
    expect(seen).toEqual(['passed', 'replaced', 'answered'])
  })

  it('a layer looks as before: its name, its parameters, the layers of its router', async () => {
    const router = Router()
    router.get('/inner', function named(_request, response) {
      response.send('x')
    })
    let layers: readonly {
      readonly name: string
      readonly handle: { readonly length: number; readonly stack?: unknown }
    }[] = []
    const { url } = await start((app) => {
      app.use('/router', router)
      layers = (app as unknown as { router: { stack: typeof layers } }).router.stack
    })
    await get(`${url}/router/inner`)
    expect(layers.map(({ handle }) => handle.length)).toEqual([3, 3, 3, 4])
    expect(layers[1]?.handle.stack).toBe((router as unknown as { stack: unknown }).stack)
    expect(
      (router as unknown as { stack: { route: { stack: { handle: { name: string } }[] } }[] }).stack[0]?.route.stack[0]
        ?.handle.name,
    ).toBe('named')
  })
})

describe('errors with a status and headers', () => {
  it.each([
    ['http-errors with expose', () => createError(402, 'pay first'), 402, 'PAYMENT_REQUIRED'],
    ['http-errors without expose', () => createError(503, 'secret'), 500, 'INTERNAL_SERVER_ERROR'],
    ['an error with a status', () => Object.assign(new Error('secret'), { status: 401 }), 500, 'INTERNAL_SERVER_ERROR'],
  ])('%s', async (_, make, status, code) => {
    const { url } = await start((app) => {
      app.get('/', () => {
        throw make()
      })
    })
    const answer = await get(url)
    expect(answer).toMatchObject({ status, code })
    expect(answer.text).not.toContain('secret')
  })

  it('a path without a route that cannot be decoded is 400', async () => {
    const { url } = await start(() => {})
    expect(await get(`${url}/%zz`)).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  })

  it('the phrase of an unsent success is replaced', async () => {
    const { url } = await start((app) => {
      app.get('/', (_request, response) => {
        response.statusMessage = 'All Good'
        throw new Error('bug')
      })
    })
    expect((await get(url)).response.statusText).toBe('Internal Server Error')
  })

  it('a bug after the client has disconnected is logged with 499', async () => {
    const { port, waitFor } = await start((app) => {
      app.get('/', async ({ socket }) => {
        client.destroy()
        await once(socket, 'close')
        throw new Error('bug')
      })
    })
    const client = connect(port, '127.0.0.1')
    client.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
    expect(await waitFor('http_error')).toMatchObject([{ status_code: 499, log_level: 'error' }])
  })

  it('sendFile of a missing file is 404, without the path of the server', async () => {
    const { url, waitFor } = await start((app) => {
      app.get('/', (_request, response) => response.sendFile('/srv/no-such-file'))
      app.use('/static', express.static('/srv/no-such-folder', { fallthrough: false }))
    })
    for (const path of ['/', '/static/x', '/static/..%2f..%2fetc']) {
      const { status, text } = await get(url + path)
      expect([404, 403]).toContain(status)
      expect(text).not.toMatch(/srv|ENOENT/)
    }
    expect((await waitFor('http_error'))[0]).toMatchObject({ error_cause: expect.stringContaining('ENOENT') })
  })

  it('a line break in the headers of an error neither hangs the request nor adds a header', async () => {
    const headers = { 'www-authenticate': 'Basic\r\nx-injected: 1', 'x-other': 'a\r\nb' }
    const { url } = await start((app) => {
      app.get('/', () => {
        throw Object.assign(createError(401, 'no'), { headers })
      })
    })
    const { status, response } = await get(url, { signal: AbortSignal.timeout(5_000) })
    expect([status, response.headers.get('x-injected'), response.headers.get('www-authenticate')]).toEqual([
      401,
      null,
      null,
    ])
  })
})

it('an error that throws when it is looked at is a bug: 500', async () => {
  const { proxy: revoked, revoke } = Proxy.revocable(new Error('gone'), {})
  revoke()
  const { url, waitFor } = await start((app) => {
    app.get('/', () => Promise.reject(revoked))
  })
  expect(await get(url)).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
  expect(await waitFor('http_error')).toHaveLength(1)
})
