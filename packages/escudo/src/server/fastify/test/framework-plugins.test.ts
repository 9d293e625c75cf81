import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import compress from '@fastify/compress'
import jwt from '@fastify/jwt'
import multipart from '@fastify/multipart'
import rateLimit from '@fastify/rate-limit'
import files from '@fastify/static'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import createHttpError from 'http-errors'
import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { frameworkPlugins } from '../../fastify.ts'
import { Errors, serverPerTest, type TestServer, url } from './setup.ts'

const start = serverPerTest()
const withMappers = (routes: (app: FastifyInstance) => void | Promise<void>): Promise<TestServer> =>
  start(routes, { contract: { map: [...frameworkPlugins()] } })

async function ask(shop: TestServer, path: string, init: RequestInit = {}) {
  const response = await fetch(url(shop, path), init)
  const body = (await response.json()) as { error_code?: string; trace_id?: string; message?: string }
  return {
    status: response.status,
    code: body.error_code,
    message: body.message,
    headers: Object.fromEntries(response.headers),
  }
}

/** Sends one part of multipart/form-data. */
function upload(bytes: string, name = 'file'): RequestInit {
  const form = new FormData()
  form.append(name, new Blob([bytes]), 'a.txt')
  return { method: 'POST', body: form }
}

describe('the errors of plugins', () => {
  test('@fastify/rate-limit: 429 with the headers of the plugin, logged as a warning', async () => {
    const shop = await withMappers(async (app) => {
      await app.register(rateLimit, { max: 1, timeWindow: 30_000 })
      app.get('/', async () => ({}))
    })
    expect((await ask(shop, '/')).status).toBe(200)
    const { status, code, headers } = await ask(shop, '/')
    expect([status, code]).toEqual([429, 'RATE_LIMITED'])
    expect(Number(headers['retry-after'])).toBeGreaterThan(20)
    expect(headers['x-ratelimit-remaining']).toBe('0')
    expect((await shop.waitForLines('http_error', 1))[0]).toMatchObject({
      log_level: 'warning',
      error_kind: 'business',
    })
  })

  test('@fastify/rate-limit: a ban is 403', async () => {
    const shop = await withMappers(async (app) => {
      await app.register(rateLimit, { max: 1, ban: 0, timeWindow: 30_000 })
      app.get('/', async () => ({}))
    })
    await ask(shop, '/')
    await ask(shop, '/')
    const { status, code } = await ask(shop, '/')
    expect([status, code]).toEqual([403, 'FORBIDDEN'])
  })

  test('@fastify/jwt: 401 with WWW-Authenticate for no token, a bad one and an expired one', async () => {
    const shop = await withMappers(async (app) => {
      await app.register(jwt, { secret: 'a secret of the test' })
      app.get('/', { onRequest: (request) => request.jwtVerify() }, async () => ({}))
      app.get('/expired', async () => ({ token: app.jwt.sign({ a: 1, exp: 1 }) }))
      app.get('/direct', async () => app.jwt.verify('rubbish'))
    })
    const { token } = (await (await fetch(url(shop, '/expired'))).json()) as { token: string }
    for (const authorization of [undefined, 'Bearer a.b.c', `Bearer ${token}`]) {
      const { status, code, headers, message } = await ask(shop, '/', {
        headers: authorization === undefined ? {} : { authorization },
      })
      expect([status, code, message]).toEqual([401, 'UNAUTHORIZED', 'Hay que autenticarse para esta petición.'])
      expect(headers['www-authenticate']).toBe('Bearer')
    }
    // A token that the service itself verifies can be that of another service.
    expect((await ask(shop, '/direct')).status).toBe(500)
  })

  test('@fastify/multipart: 413 over a limit, 415 for another content type', async () => {
    const shop = await withMappers(async (app) => {
      await app.register(multipart, { limits: { fileSize: 10, files: 1 } })
      app.post('/', async (request) => {
        for await (const file of request.files()) await file.toBuffer()
        return {}
      })
    })
    const fits = await ask(shop, '/', upload('small'))
    expect(fits.status).toBe(200)
    const big = await ask(shop, '/', upload('x'.repeat(100)))
    expect([big.status, big.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
    const form = new FormData()
    for (const name of ['a', 'b']) form.append(name, new Blob(['x']), name)
    const many = await ask(shop, '/', { method: 'POST', body: form })
    expect([many.status, many.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
    const json = await ask(shop, '/', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
    expect([json.status, json.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
  })

  test('@fastify/compress: 415 with Accept-Encoding; 400 for a broken body; a decoded body is parsed', async () => {
    const shop = await withMappers(async (app) => {
      await app.register(compress)
      app.post('/', async ({ body }) => body)
    })
    const post = (body: Uint8Array | string, encoding: string): RequestInit => ({
      method: 'POST',
      body: body as never,
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
    })
    expect((await ask(shop, '/', post(gzipSync('{"a":1}'), 'gzip'))).status).toBe(200)
    const unknown = await ask(shop, '/', post('{}', 'x-snappy'))
    expect([unknown.status, unknown.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
    expect(unknown.headers['accept-encoding']).toContain('gzip')
    const broken = await ask(shop, '/', post('no gzip', 'gzip'))
    expect([broken.status, broken.code]).toEqual([400, 'BAD_REQUEST'])
  })

  test('@fastify/under-pressure: 503 with Retry-After', async () => {
    const shop = await withMappers(async (app) => {
      await app.register(underPressure, { maxHeapUsedBytes: 1, retryAfter: 7, sampleInterval: 5 })
      app.get('/', async () => ({}))
    })
    await new Promise((resolve) => setTimeout(resolve, 50))
    const { status, code, headers } = await ask(shop, '/')
    expect([status, code, headers['retry-after']]).toEqual([503, 'BULKHEAD_FULL', '7'])
  })

  test('@fastify/static: 416 with Content-Range, 404 for a missing file, 403 for a refused path', async () => {
    const root = await mkdtemp(join(tmpdir(), 'escudo-static-'))
    await writeFile(join(root, 'a.txt'), '0123456789')
    await writeFile(join(root, '.hidden'), 'x')
    const shop = await withMappers(async (app) => {
      await app.register(files, { root, prefix: '/', dotfiles: 'deny' })
    })
    const range = await ask(shop, '/a.txt', { headers: { range: 'bytes=50-60' } })
    expect([range.status, range.headers['content-range']]).toEqual([416, 'bytes */10'])
    expect(range.headers['cache-control']).toBe('no-store')
    for (const name of ['etag', 'last-modified', 'accept-ranges']) expect(range.headers).not.toHaveProperty(name)
    const missing = await ask(shop, '/b.txt')
    expect([missing.status, missing.code]).toEqual([404, 'ROUTE_NOT_FOUND'])
    expect((await ask(shop, '/.hidden')).status).toBe(403)
  })
})

describe('the trust boundary', () => {
  // Errors as a client of another service throws them: with the fields of that service's answer.
  const copied = (fields: object, message = 'text'): Error => Object.assign(new Error(message), fields)
  test.each([
    ['a status alone', copied({ statusCode: 401 })],
    [
      'the fields of a Fastify error',
      copied({ statusCode: 413, code: 'FST_ERR_CTP_BODY_TOO_LARGE', error: 'Payload Too Large' }),
    ],
    [
      'the fields of a jwt error',
      copied({ name: 'FastifyError', statusCode: 401, code: 'FST_JWT_NO_AUTHORIZATION_IN_HEADER' }),
    ],
    ['the text of a rate limit', copied({ statusCode: 429 }, 'Rate limit exceeded, retry in 1 minute')],
    [
      'the name of a compress error',
      copied({ name: 'FastifyCompressError', code: 'FST_CP_ERR_INVALID_CONTENT_ENCODING', statusCode: 415 }),
    ],
    ['the fields of a validation error', copied({ statusCode: 400, code: 'FST_ERR_VALIDATION' })],
    [
      'an http-error without expose',
      createHttpError(401, 'no', { expose: false, headers: { 'www-authenticate': 'Basic' } }),
    ],
  ])('does not believe %s', async (_, error) => {
    const shop = await withMappers((app) => {
      app.get('/', async () => Promise.reject(error))
    })
    const { status, code, headers } = await ask(shop, '/')
    expect([status, code]).toEqual([500, 'INTERNAL_SERVER_ERROR'])
    expect(headers).not.toHaveProperty('www-authenticate')
  })

  test.each<readonly [number, object, Record<string, string | undefined>]>([
    [401, { 'WWW-Authenticate': 'Basic realm="shop"' }, { 'www-authenticate': 'Basic realm="shop"' }],
    [401, { 'www-authenticate': ['Basic', 'Bearer'] }, { 'www-authenticate': 'Basic, Bearer' }],
    [401, new Headers({ 'www-authenticate': 'Basic' }), { 'www-authenticate': 'Basic' }],
    [426, { upgrade: 'h2c' }, { upgrade: 'h2c' }],
    [416, { 'content-range': 'bytes */5' }, { 'content-range': 'bytes */5' }],
    [429, { 'retry-after': 7 }, { 'retry-after': '7' }],
    [503, { 'Retry-After': 'Fri, 01 Jan 2016 00:00:00 GMT' }, { 'retry-after': '1' }],
    [503, { 'retry-after': 'Fri Jan  1 00:00:00 2016' }, { 'retry-after': '1' }],
    [503, { 'retry-after': 'Friday, 01-Jan-16 00:00:00 GMT' }, { 'retry-after': '1' }],
    [503, { 'retry-after': 'Mon, 31 Feb 2050 00:00:00 GMT' }, { 'retry-after': undefined }],
    [503, { 'retry-after': ['7'] }, { 'retry-after': '7' }],
    [503, { 'retry-after': '99999999999' }, { 'retry-after': '86400' }],
    [
      401,
      { 'www-authenticate': 'Basic\r\nset-cookie: a=b' },
      { 'www-authenticate': undefined, 'set-cookie': undefined },
    ],
    [
      400,
      { 'set-cookie': 'a=b', 'content-type': 'text/html', etag: 'x', 'content-length': '1' },
      { 'set-cookie': undefined, etag: undefined, 'content-type': 'application/json; charset=utf-8' },
    ],
  ])('an exposed http-error %i keeps the headers that belong to it: %j', async (status, given, expected) => {
    const shop = await start((app) => {
      app.get('/', async () => Promise.reject(createHttpError(status, 'text', { expose: true, headers: given })))
    })
    const answer = await ask(shop, '/')
    expect(answer.status).toBe(status)
    for (const [name, value] of Object.entries(expected)) expect(answer.headers[name]).toBe(value)
  })

  test('a typed error adds its headers, and only those', async () => {
    const shop = await start((app) => {
      const headers = { 'WWW-Authenticate': 'Bearer', 'x-other': '1', 'content-type': 'text/html' }
      app.get('/', async () => Promise.reject(new Errors.ITEM_NOT_FOUND({ recurso: 'a', id: 'b' }, { headers })))
    })
    const { headers } = await ask(shop, '/')
    expect(headers).toMatchObject({ 'www-authenticate': 'Bearer', 'content-type': 'application/json; charset=utf-8' })
    expect(headers).not.toHaveProperty('x-other')
  })
})

test.each(['gzip', 'GZIP', ' br ', 'gzip, identity', 'x-unknown'])(
  'a body with the content coding %j that nothing decodes is 415 with Accept-Encoding',
  async (encoding) => {
    const shop = await start((app) => {
      app.post('/', async ({ body }) => body)
    })
    const post = (value: string): RequestInit => ({
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json', 'content-encoding': value },
    })
    const { status, code, headers } = await ask(shop, '/', post(encoding))
    expect([status, code, headers['accept-encoding']]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE', 'identity'])
    expect((await ask(shop, '/', post('identity'))).status).toBe(200)
  },
)

test.each([
  [{ challenge: 'a\r\nb' }, /challenge/],
  [{ challenge: 5 }, /challenge/],
  [{ challange: 'Bearer' }, /did you mean 'challenge'/],
  [null, /frameworkPlugins: expected an object/],
  [{ requestEncodings: 'gzip' }, /requestEncodings/],
  [{ requestEncodings: ['gzip, br'] }, /requestEncodings/],
  [{ requestEncodings: [['gzip']] }, /requestEncodings/],
  [{ challange: 'Basic' }, /frameworkPlugins\.challange: no such option.*challenge/],
  [{ challenge: null }, /frameworkPlugins\.challenge/],
  [null, /frameworkPlugins: expected an object/],
])('frameworkPlugins(%j) is a ConfigurationError', (options, message) => {
  expect(() => frameworkPlugins(options as never)).toThrow(ConfigurationError)
  expect(() => frameworkPlugins(options as never)).toThrow(message)
})

test('the options of frameworkPlugins are sent', async () => {
  const shop = await start(
    async (app) => {
      await app.register(jwt, { secret: 'a secret of the test' })
      await app.register(compress, { requestEncodings: ['gzip'] })
      app.post('/', { onRequest: (request) => request.jwtVerify() }, async () => ({}))
      app.post('/open', async () => ({}))
    },
    { contract: { map: [...frameworkPlugins({ challenge: 'Bearer realm="shop"', requestEncodings: ['gzip'] })] } },
  )
  expect((await ask(shop, '/', { method: 'POST' })).headers['www-authenticate']).toBe('Bearer realm="shop"')
  const headers = { 'content-type': 'application/json', 'content-encoding': 'br' }
  const answer = await ask(shop, '/open', { method: 'POST', body: '{}', headers })
  expect([answer.status, answer.headers['accept-encoding']]).toEqual([415, 'gzip'])
})
