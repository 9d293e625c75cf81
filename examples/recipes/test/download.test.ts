// Over real sockets, with a server that breaks connections.
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { constant, retry, type Shield, shield, timeout } from 'escudo'
import { type ResilientFetch, resilientFetch } from 'escudo/http'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CannotResumeError, type DownloadOptions, download, downloadFault, downloadShield } from '../src/download.ts'
import { retryIdempotent } from '../src/fault.ts'

const OBJECT = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7919) >> 3))

/** What happens to one request. The others are answered correctly. */
type Trouble = 'reset' | 'reset in body' | 'truncated' | 'stalled' | '503' | '500'
const TROUBLES: readonly Trouble[] = ['reset', 'reset in body', 'truncated', 'stalled', '503', '500']

let object = OBJECT
let etag = '"v1"'
let troubles: (Trouble | undefined)[] = []
let ranges: string[] = []
let answer: RequestListener = serve
let get: ResilientFetch
const server = createServer((request, response) => answer(request, response))

function serve(...[request, response]: Parameters<RequestListener>): void {
  const { range = '', 'if-match': match } = request.headers
  ranges.push(range)
  if (match !== undefined && match !== etag) return void response.writeHead(412).end()
  const [, first = 0, last = 0] = (/^bytes=(\d+)-(\d+)$/.exec(range) ?? []).map(Number)
  if (first >= object.length) return void response.writeHead(416).end()
  const body = object.subarray(first, last + 1)
  const end = first + body.length - 1
  const headers = { 'content-range': `bytes ${first}-${end}/${object.length}`, 'content-length': body.length, etag }
  makeTrouble(troubles.shift(), response, () => response.writeHead(206, headers), body)
}

function makeTrouble(trouble: Trouble | undefined, response: ServerResponse, head: () => void, body: Buffer): void {
  const half = body.subarray(0, body.length / 2)
  if (trouble === 'reset') response.socket?.resetAndDestroy()
  else if (trouble === '503' || trouble === '500') response.writeHead(Number(trouble)).end()
  else {
    head()
    if (trouble === undefined) response.end(body)
    else if (trouble === 'reset in body') response.write(half, () => response.socket?.resetAndDestroy())
    else if (trouble === 'truncated') response.write(half, () => response.socket?.end())
    else response.write(half)
  }
}

beforeEach(async () => {
  object = OBJECT
  etag = '"v1"'
  troubles = []
  ranges = []
  answer = serve
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  get = resilientFetch({ name: 'files', baseUrl: `http://127.0.0.1:${port}`, shield: false, errors: 'throw' })
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** As that of the recipe, with a shorter wait, and more retries than the tests need. */
const fastShield = (): Shield =>
  shield(
    'files',
    retry({ maxRetries: 20, backoff: constant(1), classify: retryIdempotent(downloadFault) }),
    timeout('150ms'),
  )
async function read(options: Partial<DownloadOptions> = {}): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const { bytes } of download(get, '/object', { shield: fastShield(), pieceBytes: 64 * 1024, ...options })) {
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

describe('a download in pieces', () => {
  test('reads the whole object, one range after the other', async () => {
    expect((await read()).equals(OBJECT)).toBe(true)
    expect(ranges).toEqual(['bytes=0-65535', 'bytes=65536-131071', 'bytes=131072-196607', 'bytes=196608-262143'])
  })

  test.each(TROUBLES)('resumes after: %s', async (trouble) => {
    troubles = [undefined, trouble]
    expect((await read()).equals(OBJECT)).toBe(true)
    // The broken piece is requested again, and no earlier one.
    expect(ranges.slice(0, 3)).toEqual(['bytes=0-65535', 'bytes=65536-131071', 'bytes=65536-131071'])
    expect(ranges).toHaveLength(5)
  })

  test('yields each byte once, whatever happens', async () => {
    const trouble = fc.constantFrom<Trouble | undefined>(undefined, 'reset', 'reset in body', 'truncated', '503', '500')
    await fc.assert(
      fc.asyncProperty(
        fc.array(trouble, { maxLength: 15 }),
        fc.integer({ min: 9_000, max: 250_000 }),
        async (all, pieceBytes) => {
          troubles = [...all]
          expect((await read({ pieceBytes })).equals(OBJECT)).toBe(true)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('fails at once for an object that does not exist or that has changed', async () => {
    answer = (_, response) => void response.writeHead(404).end()
    await expect(read()).rejects.toMatchObject({ status: 404 })
    answer = (request, response) => {
      serve(request, response)
      etag = '"v2"'
    }
    await expect(read()).rejects.toThrow('/object has changed')
    expect(ranges).toHaveLength(2)
  })

  test.each([
    ['no ranges', 200, { etag: '"v1"' }],
    ['no etag', 206, { 'content-range': 'bytes 0-9/10' }],
    ['a weak etag', 206, { 'content-range': 'bytes 0-9/10', etag: 'W/"v1"' }],
    ['another range', 206, { 'content-range': 'bytes 5-9/10', etag: '"v1"' }],
    ['a compressed body', 206, { 'content-range': 'bytes 0-9/10', etag: '"v1"', 'content-encoding': 'gzip' }],
  ])('refuses a server with %s', async (_, status, headers) => {
    let requests = 0
    answer = (_, response) => {
      requests += 1
      response.writeHead(status, headers).end('0123456789')
    }
    await expect(read()).rejects.toThrow(CannotResumeError)
    expect(requests).toBe(1)
  })

  test('continues an earlier download, also one that was complete', async () => {
    const rest = await read({ from: { offset: 150_000, etag } })
    expect(rest.equals(OBJECT.subarray(150_000))).toBe(true)
    expect(await read({ from: { offset: OBJECT.length, etag } })).toHaveLength(0)
    await expect(read({ from: { offset: 150_000, etag: '"v0"' } })).rejects.toThrow(CannotResumeError)
  })

  test('reads an empty object', async () => {
    object = Buffer.alloc(0)
    expect(await read()).toHaveLength(0)
  })

  test('requests nothing that the reader does not ask for, and stops with its signal', async () => {
    for await (const piece of download(get, '/object', { shield: fastShield(), pieceBytes: 1_000 })) {
      expect(piece).toMatchObject({ offset: 0, etag: '"v1"', size: OBJECT.length })
      break
    }
    expect(ranges).toEqual(['bytes=0-999'])
    const controller = new AbortController()
    answer = () => controller.abort(new Error('stopped'))
    await expect(read({ signal: controller.signal, shield: downloadShield('files') })).rejects.toThrow('stopped')
  })
})
