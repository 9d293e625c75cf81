import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describesBody } from '../../headers.ts'
import { expectContract, send, serve, serverPerTest, type TestServer } from './setup.ts'

const start = serverPerTest()
const get = 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n'

// What the error contract lists, and headers of the same kinds.
const FORBIDDEN = [
  'Cache-Control',
  'CDN-Cache-Control',
  'Cloudflare-CDN-Cache-Control',
  'Surrogate-Control',
  'X-Accel-Expires',
  'Expires',
  'Age',
  'ETag',
  'Last-Modified',
  'Accept-Ranges',
  'Content-Encoding',
  'Content-Range',
  'Content-Location',
  'Content-Disposition',
  'Content-Digest',
  'Content-DPR',
  'Content-Script-Type',
  'Repr-Digest',
  'Unencoded-Digest',
  'Delta-Base',
  'IM',
  'Preference-Applied',
  'SourceMap',
  'X-SourceMap',
  'Use-As-Dictionary',
  'Cache-Tag',
  'Edge-Cache-Tag',
  'Edge-Control',
  'Cache-Groups',
  'Warning',
  'X-Accel-Buffering',
  'X-Accel-Charset',
  'X-Accel-Limit-Rate',
  'X-Lighttpd-Send-File',
  'Digest',
  'X-Accel-Redirect',
  'X-Sendfile',
  'Location',
  'Refresh',
  'Trailer',
  'Transfer-Encoding',
]

describe('an error answer', () => {
  test.each(FORBIDDEN)('does not send %s, whether set with Fastify or on the response of Node', async (name) => {
    const value = name === 'Transfer-Encoding' ? 'chunked' : 'x'
    for (const set of ['fastify', 'node'] as const) {
      const shop = await serve((app) => {
        app.get('/', async (_, reply) => {
          if (set === 'fastify') reply.header(name, value)
          else reply.raw.setHeader(name, value)
          throw new Error('bug')
        })
      })
      const [answer] = await send(shop.port, get)
      expectContract(answer, 500, 'INTERNAL_SERVER_ERROR')
      if (name !== 'Cache-Control') expect(answer?.headers).not.toHaveProperty(name.toLowerCase())
      await shop.app.close()
    }
  })

  test.each(['Content-Security-Policy', 'Content-Security-Policy-Report-Only', 'X-Content-Type-Options', 'Link'])(
    'keeps %s, which does not describe the body',
    async (name) => {
      const shop = await start((app) => {
        app.get('/', async (_, reply) => {
          reply.header(name, 'x')
          throw new Error('bug')
        })
      })
      const [answer] = await send(shop.port, get)
      expect(answer?.headers).toHaveProperty(name.toLowerCase(), 'x')
    },
  )

  test('sends no trailers, no phrase of another status, and no header that Node refuses', async () => {
    const shop = await start((app) => {
      app.get('/', async (_, reply) => {
        reply.raw.statusMessage = 'Fine\r\nx-split: 1'
        reply.trailer('server-timing', (_reply, _payload, done) => done(null, 'db;dur=1'))
        reply.header('x-bad', 'a\r\nset-cookie: a=b').header('x-good', 'kept')
        throw new Error('bug')
      })
    })
    const [answer, ...more] = await send(shop.port, get)
    expectContract(answer, 500, 'INTERNAL_SERVER_ERROR')
    expect(answer?.headers).toMatchObject({ 'x-good': 'kept' })
    for (const name of ['transfer-encoding', 'trailer', 'x-bad', 'x-split', 'set-cookie']) {
      expect(answer?.headers).not.toHaveProperty(name)
    }
    expect(more).toEqual([])
    await shop.waitForLines('http_error', 1)
  })
})

describe('a property of error headers', () => {
  type Header = readonly [string, string | readonly string[]]
  let server: TestServer
  let given: readonly Header[] = []
  let isOnNode = false
  beforeAll(async () => {
    server = await serve((app) => {
      app.get('/', async (_, reply) => {
        for (const [name, value] of given) {
          try {
            if (isOnNode) reply.raw.setHeader(name, value)
            else reply.header(name, value)
          } catch {
            // Node refuses it now; Fastify would refuse it later.
          }
        }
        throw new Error('bug')
      })
    })
  })
  afterAll(() => server.app.close())

  const RUNS = 500
  const name = fc.oneof(
    fc.constantFrom(
      ...FORBIDDEN,
      'Content-Type',
      'Content-Length',
      'Content-Language',
      'X-Trace-ID',
      'Vary',
      'Retry-After',
    ),
    fc.constantFrom(
      'Access-Control-Allow-Origin',
      'Set-Cookie',
      'Strict-Transport-Security',
      'Link',
      'X-Custom',
      'bad name',
      'x:y',
    ),
  )
  const value = fc.oneof(
    fc.constantFrom('chunked', 'x', '*', '5', '', 'gzip', 'Origin', 'a\r\nset-cookie: evil=1', 'ñ', '🧪', '\u0000'),
    fc.string({ maxLength: 20 }),
    fc.array(fc.constantFrom('a', 'Origin', 'b\nc'), { maxLength: 3 }),
  )
  test(`${RUNS} sets of headers before the throw: never a forbidden one, always ours`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 8 }), fc.boolean(), async (headers, onNode) => {
        given = headers
        isOnNode = onNode
        const answers = await send(server.port, get)
        expect(answers).toHaveLength(1)
        const [answer] = answers
        expectContract(answer, 500, 'INTERNAL_SERVER_ERROR')
        const names = Object.keys(answer?.headers ?? {})
        const ours = ['cache-control', 'content-language', 'content-length', 'content-type']
        expect(names.filter((header) => describesBody(header)).sort()).toEqual(ours)
        expect(Number(answer?.headers['content-length'])).toBe(Buffer.byteLength(answer?.text ?? ''))
        expect(answer?.headers['vary']).toMatch(/\*|Accept-Language/)
        expect(answer?.headers['set-cookie'] ?? '').not.toContain('evil')
      }),
      { numRuns: RUNS },
    )
  })
})
