import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { TimeoutError } from '../../../core/errors.ts'
import { WellKnown } from '../../../errors/catalogue/well-known.ts'
import { Errors, serverPerTest, url } from './setup.ts'

const start = serverPerTest()
const inbound = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('error answers', () => {
  test('answers a catalogue error with its body and headers, and logs it once with its trace', async () => {
    const shop = await start((app) => {
      app.get('/items/:id', async (request) => {
        throw new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id: (request.params as { id: string }).id })
      })
    })
    const response = await fetch(url(shop, '/items/item9?secret=1'), { headers: { traceparent: inbound } })
    expect(response.status).toBe(404)
    expect(await response.text()).toBe(
      `{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","error_code":"ITEM_NOT_FOUND","message":"Item con ID 'item9' no encontrado.","status_code":404,"service_name":"potion-shop","context":{"recurso":"Item","id":"item9"}}`,
    )
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-language': 'es',
      'cache-control': 'no-store',
      vary: 'Accept, Accept-Language',
      'x-trace-id': '4bf92f3577b34da6a3ce929d0e0e4736',
    })
    const [failure] = await shop.waitForLines('http_error', 1)
    expect(failure).toMatchObject({
      log_level: 'info',
      service: 'potion-shop',
      status_code: 404,
      detail: "Item con ID 'item9' no encontrado.",
      path: '/items/item9',
      error_code: 'ITEM_NOT_FOUND',
      error_kind: 'business',
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
    })
    const [line] = await shop.waitForLines('http.request', 1)
    expect(line).toMatchObject({
      log_level: 'info',
      method: 'GET',
      route: '/items/:id',
      path: '/items/item9',
      status_code: 404,
    })
    expect(JSON.stringify(shop.lines)).not.toContain('secret')
  })

  test('answers an error that a handler returns as one that it throws', async () => {
    const business = (): Error => new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id: 'item9' })
    const refusal = (): Error => new WellKnown.CIRCUIT_OPEN(undefined, { retryAfterMs: 4_200 })
    const bug = (): Error => new Error('SELECT 1')
    const shop = await start((app) => {
      for (const [name, make] of Object.entries({ business, refusal, bug })) {
        app.get(`/thrown/${name}`, () => {
          throw make()
        })
        app.get(`/returned/${name}`, () => make())
        app.get(`/promised/${name}`, async () => make())
      }
    })
    const answerAt = async (path: string) => {
      const response = await fetch(url(shop, path), { headers: { traceparent: inbound } })
      const { date: _, ...headers } = Object.fromEntries(response.headers)
      return [response.status, headers, await response.text()]
    }
    for (const name of ['business', 'refusal', 'bug']) {
      const thrown = await answerAt(`/thrown/${name}`)
      expect(await answerAt(`/returned/${name}`)).toEqual(thrown)
      expect(await answerAt(`/promised/${name}`)).toEqual(thrown)
    }
    expect(await shop.waitForLines('http_error', 9)).toHaveLength(9)
    expect(await shop.waitForLines('http.request', 9)).toHaveLength(9)
  })

  const throwTrap = (): never => {
    throw new Error('trap')
  }
  test.each<readonly [string, () => unknown, number, string]>([
    ['a bug', () => new Error('SELECT 1'), 500, 'INTERNAL_SERVER_ERROR'],
    ['a string', () => 'a text', 500, 'INTERNAL_SERVER_ERROR'],
    ['undefined', () => undefined, 500, 'INTERNAL_SERVER_ERROR'],
    ['null', () => null, 500, 'INTERNAL_SERVER_ERROR'],
    ['a promise', () => Promise.resolve('x'), 500, 'INTERNAL_SERVER_ERROR'],
    ['a frozen error', () => Object.freeze(new Error('frozen')), 500, 'INTERNAL_SERVER_ERROR'],
    [
      'an error of another library that has a status',
      () => Object.assign(new Error('no'), { statusCode: 401, headers: { 'set-cookie': 'a=b' } }),
      500,
      'INTERNAL_SERVER_ERROR',
    ],
    [
      'an error whose properties cannot be read',
      () => new Proxy(new Error(), { get: throwTrap, has: throwTrap }),
      500,
      'INTERNAL_SERVER_ERROR',
    ],
    [
      'a timeout of a policy',
      () => new TimeoutError({ shield: 's', policy: 'timeout', stacks: false }, 5),
      504,
      'UPSTREAM_TIMEOUT',
    ],
  ])('answers %s that a handler throws synchronously or asynchronously', async (_, make, status, code) => {
    const shop = await start((app) => {
      app.get('/sync', () => {
        throw make()
      })
      app.get('/async', async () => {
        await Promise.resolve()
        throw make()
      })
    })
    for (const path of ['/sync', '/async']) {
      const response = await fetch(url(shop, path))
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({
        error_code: code,
        context: {},
        trace_id: response.headers.get('x-trace-id'),
      })
      expect(response.headers.get('set-cookie')).toBeNull()
    }
    const failures = await shop.waitForLines('http_error', 2)
    for (const line of failures) expect(line).toMatchObject({ log_level: 'error', error_type: expect.any(String) })
    await shop.waitForLines('http.request', 2)
  })

  test('removes headers that described the unsent body, and keeps CORS and Vary', async () => {
    const shop = await start((app) => {
      app.get('/', async (_, reply) => {
        reply.headers({
          'cache-control': 'public, max-age=60',
          etag: '"x"',
          'last-modified': 'x',
          expires: 'x',
          'content-encoding': 'gzip',
        })
        reply.headers({ 'access-control-allow-origin': '*', vary: 'Origin', 'content-length': 5, 'content-range': 'x' })
        reply.type('text/csv').serializer(() => 'rewritten')
        throw new WellKnown.CIRCUIT_OPEN(undefined, { retryAfterMs: 1_500 })
      })
    })
    const response = await fetch(url(shop, '/'))
    const headers = Object.fromEntries(response.headers)
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      vary: 'Origin, Accept, Accept-Language',
      'retry-after': '2',
      'cache-control': 'no-store',
    })
    for (const name of ['etag', 'last-modified', 'expires', 'content-encoding', 'content-range'])
      expect(headers).not.toHaveProperty(name)
    expect(await response.json()).toMatchObject({ message: 'Servicio no disponible (Circuito Abierto).' })
  })

  test('sends the error body past response schemas, and as problem+json when that is preferred', async () => {
    const shop = await start((app) => {
      const response = { '5xx': { type: 'object', properties: { only: { type: 'string' } } } }
      app.get('/', { schema: { response } }, async () => {
        throw new Error()
      })
    })
    expect(Object.keys((await (await fetch(url(shop, '/'))).json()) as object)).toHaveLength(6)
    const problem = await fetch(url(shop, '/'), {
      headers: { accept: 'application/problem+json', 'accept-language': 'en' },
    })
    expect(problem.headers.get('content-type')).toBe('application/problem+json')
    expect(await problem.json()).toMatchObject({
      type: 'about:blank',
      status: 500,
      detail: 'An unexpected error occurred on the server.',
    })
  })

  test.each([
    ['success', async () => ({ fine: true }), 500, 'INTERNAL_SERVER_ERROR'],
    ['error', async () => Promise.reject(new WellKnown.CIRCUIT_OPEN()), 503, 'CIRCUIT_OPEN'],
  ])('leaks nothing of an onSend hook that throws on the %s answer', async (_, handler, status, code) => {
    const shop = await start((app) => {
      app.addHook('onSend', async () => {
        throw new Error('leak')
      })
      app.get('/', handler)
    })
    const response = await fetch(url(shop, '/'))
    const text = await response.text()
    expect(response.status).toBe(status)
    expect(text).not.toContain('leak')
    expect(JSON.parse(text)).toMatchObject({ error_code: code, trace_id: response.headers.get('x-trace-id') })
    await shop.waitForLines('http_error', 1)
    await shop.waitForLines('http.request', 1)
  })

  test('answers 500 for a response header that cannot be sent', async () => {
    const shop = await start((app) => {
      app.get('/', async (_, reply) => reply.header('x-bad', 'a\r\nset-cookie: a=b').send('fine'))
    })
    const response = await fetch(url(shop, '/'))
    expect([response.status, response.statusText]).toEqual([500, 'Internal Server Error'])
    expect(response.headers.get('set-cookie')).toBeNull()
    await shop.waitForLines('http_error', 1)
  })

  test('answers the error that the error handler of a child plugin throws', async () => {
    const shop = await start((app) => {
      app.register(async (child) => {
        child.setErrorHandler(() => {
          throw new Error('the handler broke')
        })
        child.get('/', async () => {
          throw new Error('first')
        })
      })
    })
    expect(await (await fetch(url(shop, '/'))).json()).toMatchObject({ error_code: 'INTERNAL_SERVER_ERROR' })
    expect((await shop.waitForLines('http_error', 1))[0]).toMatchObject({ error_message: 'the handler broke' })
  })

  test('closes the connection after an error behind sent headers, and logs it once as 500', async () => {
    const shop = await start((app) => {
      app.get('/', async () =>
        Readable.from(
          (async function* () {
            yield 'half'
            await pause(20)
            throw new Error('torn')
          })(),
        ),
      )
    })
    await expect(fetch(url(shop, '/')).then((response) => response.text())).rejects.toThrow()
    const [failure] = await shop.waitForLines('http_error', 1)
    expect(failure).toMatchObject({ log_level: 'error', error_message: 'torn' })
    const [line] = await shop.waitForLines('http.request', 1)
    expect(line).toMatchObject({ status_code: 500 })
  })

  test.each(['GET', 'POST'])('logs a body that its stream leaves unfinished as 500, for a %s too', async (method) => {
    const shop = await start((app) => {
      app.route({
        method,
        url: '/',
        handler: async () => {
          const body = new Readable({ read() {} })
          body.push('half')
          setTimeout(() => body.destroy(), 20)
          return body
        },
      })
    })
    const init = method === 'GET' ? {} : { method, body: '{}', headers: { 'content-type': 'application/json' } }
    await expect(fetch(url(shop, '/'), init).then((response) => response.text())).rejects.toThrow()
    expect(await shop.waitForLines('http.request', 1)).toMatchObject([{ status_code: 500 }])
    expect(await shop.waitForLines('http_error', 1)).toMatchObject([{ error_message: 'Premature close' }])
  })

  test('keeps the answer of a handler that throws after it has answered', async () => {
    const shop = await start((app) => {
      app.get('/', async (_, reply) => {
        reply.send({ ok: true })
        await pause(5)
        throw new Error('late')
      })
    })
    expect((await fetch(url(shop, '/'))).status).toBe(200)
    const [line] = await shop.waitForLines('http.request', 1)
    expect(line).toMatchObject({ status_code: 200 })
  })
})
