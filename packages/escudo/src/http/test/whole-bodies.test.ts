import { inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { rawServer } from './raw-server.ts'
import { fullShield, rejectionOf, retryOnce, serve, settled } from './setup.ts'

const bare = resilientFetch({ name: 'x', shield: false })
const METHODS = ['json', 'text', 'arrayBuffer', 'blob', 'formData', ...('bytes' in Response.prototype ? ['bytes'] : [])]
type Reader = Record<string, () => Promise<unknown>>
const read = (response: Response, method: string) => (response as unknown as Reader)[method]?.() as Promise<unknown>

async function comparable(value: unknown): Promise<unknown> {
  if (value instanceof Blob) return [value.type, await value.text()]
  if (value instanceof FormData) return [...value]
  return value instanceof ArrayBuffer ? ['buffer', new Uint8Array(value)] : value
}

/** What a caller can see of a response while and after it reads the body. */
async function seen(send: typeof fetch, url: string, method: string): Promise<unknown> {
  const response = await send(url)
  const before = [response.bodyUsed, response instanceof Response, response.constructor === Response]
  const reading = read(response, method)
  const during = response.bodyUsed
  const outcome = await reading.then(comparable, (error: Error) => [error.name, error.message])
  const after = [response.bodyUsed, response.body?.locked, response.status, response.url, response.redirected]
  const again = await rejectionOf(response.text())
  const keys: string[] = []
  for (const key in response) keys.push(key)
  return { before, during, outcome, after, type: response.type, again: (again as Error).name, keys: keys.sort() }
}

describe('a body that is read as a whole', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(`\ufeff${text}`)),
    fc.constant(Buffer.from('a=1&b=2')),
  )
  const type = fc.constantFrom(
    'application/json',
    'text/plain;charset=latin1',
    'application/x-www-form-urlencoded',
    'no',
  )

  test('is the same as that of fetch: values, errors and what a caller can see (200 runs)', async () => {
    let answer: { readonly type: string; readonly zipped: boolean; readonly chunks: readonly Uint8Array[] }
    const origin = await serve(async (_, response) => {
      const { chunks, zipped } = answer
      response.setHeader('content-type', answer.type)
      if (zipped) response.setHeader('content-encoding', 'gzip')
      if (zipped) return response.end(gzipSync(Buffer.concat(chunks)))
      for (const chunk of chunks) if (chunk.length > 0) await new Promise((sent) => response.write(chunk, sent))
      return response.end()
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(bytes, { maxLength: 3 }),
        type,
        fc.boolean(),
        fc.constantFrom(...METHODS),
        async (chunks, of, zipped, method) => {
          // Node removes two byte order marks, the standard one.
          fc.pre(!Buffer.concat(chunks).subarray(0, 6).equals(Buffer.from('\ufeff\ufeff')))
          answer = { type: of, zipped, chunks }
          expect(await seen(bare, origin, method)).toEqual(await seen(fetch, origin, method))
        },
      ),
      { numRuns: 200 },
    )
  }, 60_000)

  test.each(METHODS.filter((method) => method !== 'formData'))(
    'leaves the permit free for the next call: %s',
    async (method) => {
      const baseUrl = await serve((_, response) => response.end('{}'))
      const get = resilientFetch({ name: 'x', baseUrl, shield: shield('x', bulkhead({ limit: 1 }), timeout('9s')) })
      for (let count = 0; count < 10; count += 1) await read(await get('/'), method)
      for (let count = 0; count < 10; count += 1) for await (const _ of (await get('/')).body ?? []);
      for (let count = 0; count < 10; count += 1) await (await get('/', { method: 'POST', body: 'x' })).text()
    },
  )

  test('is complete with 20 MB, and after a moment too', async () => {
    const baseUrl = await serve((_, response) => response.end(Buffer.alloc(20_000_000, 'x')))
    expect((await (await bare(baseUrl)).text()).length).toBe(20_000_000)
    const later = await bare(baseUrl)
    await settled()
    expect((await later.arrayBuffer()).byteLength).toBe(20_000_000)
  })

  test('that is no JSON is a success of the dependency', async () => {
    const baseUrl = await serve((_, response) => response.end('<html>'))
    const { guarded, state } = fullShield()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: guarded })('/')
    expect(await rejectionOf(response.json())).toBeInstanceOf(SyntaxError)
    expect(state()).toEqual({ retries: 0, failures: 0, calls: 1, inUse: 0 })
  })

  test.each(['json', 'text', 'arrayBuffer', 'blob'])(
    'is cancelled by its timeout if fetch ignores the signal: %s',
    async (method) => {
      const closed = vi.fn()
      const baseUrl = await serve((request, response) => {
        request.socket.on('close', closed)
        response.write('{')
      })
      const { clock, guarded, state } = fullShield()
      const withoutSignal: typeof fetch = (input) => fetch(input)
      const response = await resilientFetch({ name: 'x', baseUrl, shield: guarded, fetch: withoutSignal })('/')
      const error = rejectionOf(read(response, method))
      await settled()
      await clock.advance('2s')
      expect(await error).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
      await vi.waitUntil(() => closed.mock.calls.length === 1)
      expect(state()).toEqual({ retries: 0, failures: 1, calls: 1, inUse: 0 })
    },
  )

  test.each(['before it is read', 'while it is read', 'after a moment'])(
    "ends with the caller's reason: aborted %s",
    async (when) => {
      const baseUrl = await serve((_, response) => {
        response.write('{')
      })
      const abort = new AbortController()
      const { guarded, state } = fullShield()
      const response = await resilientFetch({ name: 'x', baseUrl, shield: guarded })('/', { signal: abort.signal })
      if (when === 'after a moment') await settled()
      const reading = when === 'while it is read' ? rejectionOf(response.json()) : undefined
      abort.abort('enough')
      expect(await (reading ?? rejectionOf(response.json()))).toBe('enough')
      await settled()
      expect(state()).toEqual({ retries: 0, failures: 0, calls: 0, inUse: 0 })
    },
  )

  test('is a success if half of it is read and the rest cancelled', async () => {
    const closed = vi.fn()
    const baseUrl = await serve((request, response) => {
      request.socket.on('close', closed)
      response.write('half')
    })
    const { guarded, state } = fullShield()
    const reader = (await resilientFetch({ name: 'x', baseUrl, shield: guarded })('/')).body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await vi.waitUntil(() => closed.mock.calls.length === 1)
    expect(state()).toEqual({ retries: 0, failures: 0, calls: 1, inUse: 0 })
  })

  const nativeText = (response: Response): Promise<string> => Response.prototype.text.call(response)

  test('may be read past the methods of the response: its attempt lasts until the body ends', async () => {
    let finish = (): void => {}
    const baseUrl = await serve((_, response) => {
      response.write('pa')
      finish = () => response.end('st')
    })
    const { guarded, state } = fullShield()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: guarded })('/')
    const text = nativeText(response)
    await settled()
    expect(state()).toEqual({ retries: 0, failures: 0, calls: 0, inUse: 1 })
    finish()
    expect(await text).toBe('past')
    await vi.waitUntil(() => state().inUse === 0)
    expect(state()).toEqual({ retries: 0, failures: 0, calls: 1, inUse: 0 })
    expect(response.bodyUsed).toBe(true)
    expect(await rejectionOf(response.json())).toBeInstanceOf(TypeError)
  })

  test.each([
    ['its timeout', 'at once'],
    ['its timeout', 'after a moment'],
    ['the end of the connection', 'at once'],
    ['the end of the connection', 'after a moment'],
  ])('that is read past the methods ends with %s, a failure: %s', async (end, when) => {
    let breakOff = (): void => {}
    const baseUrl = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('part')
      breakOff = () => response.destroy()
    })
    const { clock, guarded, state } = fullShield()
    const response = await resilientFetch({ name: 'x', baseUrl, shield: guarded })('/')
    const error = rejectionOf(nativeText(response))
    if (when === 'after a moment') await settled()
    if (end === 'its timeout') await clock.advance('2s')
    else breakOff()
    expect(await error).toBeInstanceOf(Error)
    await vi.waitUntil(() => state().inUse === 0)
    expect(state()).toEqual({ retries: 0, failures: 1, calls: 1, inUse: 0 })
  })

  test('that is read ahead is locked for the methods of Response.prototype, and whole for its own', async () => {
    const response = await bare(await serve((_, answer) => answer.end('"kept"')))
    await settled()
    expect(await rejectionOf(nativeText(response))).toBeInstanceOf(TypeError)
    expect(await response.json()).toBe('kept')
  })

  test('can be cloned, split and inspected, as with fetch', async () => {
    const baseUrl = await serve((_, response) => response.end('both'))
    const response = await bare(baseUrl)
    const copy = response.clone()
    expect(inspect(response)).toContain('status: 200')
    expect([copy.url, copy.type, copy.status]).toEqual([response.url, 'basic', 200])
    expect(await Promise.all([response.text(), copy.clone().text(), copy.text()])).toEqual(['both', 'both', 'both'])
    expect(() => response.clone()).toThrow(TypeError)
    const [left, right] = (await bare(baseUrl)).body?.tee() ?? []
    expect([await new Response(left).text(), await new Response(right).text()]).toEqual(['both', 'both'])
  })
})

describe('a response without a body, or redirected', () => {
  test.each(['HEAD 200', 'GET 204', 'GET 304'])('is as with fetch: %s', async (kind) => {
    const [method = '', status] = kind.split(' ')
    const baseUrl = await serve((_, response) => {
      response.statusCode = Number(status)
      response.end()
    })
    for (const send of [fetch, bare]) {
      const response = await send(baseUrl, { method })
      expect([response.status, response.body, response.bodyUsed]).toEqual([Number(status), null, false])
      expect([await response.text(), response.bodyUsed, await response.clone().text()]).toEqual(['', false, ''])
    }
  })

  test('keeps its url and that it was redirected', async () => {
    const baseUrl = await serve((request, response) => {
      if (request.url === '/from') response.writeHead(302, { location: '/to' }).end('moved')
      else response.end('there')
    })
    for (const send of [fetch, bare]) {
      const response = await send(`${baseUrl}/from`)
      expect([response.url, response.redirected, response.type]).toEqual([`${baseUrl}/to`, true, 'basic'])
      expect(await response.text()).toBe('there')
    }
  })
})

describe('connections', () => {
  test('a GET on a kept connection that the server has reset is sent again', async () => {
    const server = await rawServer((socket, _, count) => {
      if (count === 2) socket.resetAndDestroy()
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    })
    const get = resilientFetch({ name: 'x', shield: shield('x', retryOnce()) })
    for (let count = 0; count < 3; count += 1) expect(await (await get(server.origin)).text()).toBe('ok')
    expect(server.requests).toHaveLength(4)
  })

  test('unread responses of 5 MB are collected when dropped, and their connections close', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const sockets = new Set<unknown>()
    const origin = await serve((request, response) => {
      sockets.add(request.socket)
      request.socket.on('close', () => sockets.delete(request.socket))
      response.end(Buffer.alloc(5_000_000, 'x'))
    })
    await Promise.all(Array.from({ length: 20 }, () => bare(origin)))
    expect(sockets.size).toBe(20)
    await settled()
    await vi.waitUntil(
      () => {
        collect()
        return sockets.size <= 1
      },
      { timeout: 10_000, interval: 50 },
    )
  })
})
