import cors from '@fastify/cors'
import { describe, expect, test } from 'vitest'
import { expectContract, send, serverPerTest } from './setup.ts'

const start = serverPerTest()
const head = (line: string, ...fields: readonly string[]): string =>
  `${[`${line} HTTP/1.1`, 'Host: shop', 'Connection: close', 'Origin: https://page', ...fields].join('\r\n')}\r\n\r\n`

describe('with @fastify/cors', () => {
  test.each([
    ['an unknown route', head('GET /nowhere'), 404, 'ROUTE_NOT_FOUND'],
    [
      'an unknown route with a broken body',
      `${head('POST /nowhere', 'Content-Type: application/json', 'Content-Length: 1')}{`,
      404,
      'ROUTE_NOT_FOUND',
    ],
    ['a wrong method', head('DELETE /ok'), 405, 'METHOD_NOT_ALLOWED'],
    ['a path that cannot be decoded', head('GET /items/%zz'), 400, 'BAD_REQUEST'],
    ['a parameter that is too long', head(`GET /items/${'x'.repeat(5_000)}`), 414, 'URI_TOO_LONG'],
    ['a URL that is too long', head(`GET /ok?${'x'.repeat(9_000)}`), 414, 'URI_TOO_LONG'],
    ['a bug', head('GET /bug'), 500, 'INTERNAL_SERVER_ERROR'],
    ['an onSend hook that fails', head('GET /send'), 500, 'INTERNAL_SERVER_ERROR'],
    ['a header that cannot be sent', head('GET /header'), 500, 'INTERNAL_SERVER_ERROR'],
    [
      'malformed JSON',
      `${head('POST /items', 'Content-Type: application/json', 'Content-Length: 1')}{`,
      400,
      'MALFORMED_JSON',
    ],
    ['the wildcard of OPTIONS, asked for', head('OPTIONS /nowhere', 'Access-Control-Request-Method: GET'), 204, ''],
  ])('%s is answered with the headers of CORS', async (_, bytes, status, code) => {
    const shop = await start(async (app) => {
      await app.register(cors, { origin: ['https://page'], credentials: true })
      app.get('/ok', async () => 'ok')
      app.get('/items/:id', async () => 'ok')
      app.post('/items', async () => 'ok')
      app.get('/bug', async () => {
        throw new Error('bug')
      })
      app.get('/header', async (_request, reply) => reply.header('x-bad', 'a\r\nb').send('ok'))
      app.get('/send', { onSend: async () => Promise.reject(new Error('hook')) }, async () => 'ok')
    })
    const [answer] = await send(shop.port, bytes)
    expect(answer?.headers).toMatchObject({
      'access-control-allow-origin': 'https://page',
      'access-control-allow-credentials': 'true',
    })
    expect(answer?.headers['vary']).toContain('Origin')
    if (code === '') expect(answer?.status).toBe(status)
    else {
      expectContract(answer, status, code)
      expect(answer?.headers['vary']).toContain('Accept-Language')
      await shop.waitForLines('http_error', 1)
    }
    await shop.waitForLines('http.request', 1)
    expect(answer?.headers['allow']).toBe(status === 405 ? 'GET, HEAD, OPTIONS' : undefined)
  })

  test('in a child plugin, an unknown route of its prefix is 404 with its headers', async () => {
    const shop = await start((app) => {
      app.register(
        async (api) => {
          await api.register(cors, { origin: '*' })
          api.get('/ok', async () => 'ok')
        },
        { prefix: '/api' },
      )
    })
    const [answer] = await send(shop.port, head('GET /api/nowhere'))
    expectContract(answer, 404, 'ROUTE_NOT_FOUND')
  })

  test('on a delegator that waits, and with a hook that fails, a bad path is still answered once', async () => {
    const shop = await start(async (app) => {
      app.addHook('onRequest', async () => Promise.reject(new Error('a hook of the service')))
      await app.register(cors, { delegator: async () => ({ origin: 'https://page' }) })
    })
    const [answer, ...more] = await send(shop.port, head('GET /%zz'))
    expectContract(answer, 400, 'BAD_REQUEST')
    expect(answer?.headers['access-control-allow-origin']).toBe('https://page')
    expect(more).toEqual([])
  })
})
