import { describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { retryOnce, serve, settled } from './setup.ts'

const COUNTED = ['Request', 'Response', 'Headers', 'ReadableStream'] as const
type Counts = Record<(typeof COUNTED)[number], number>

/** Counts the calls of the global constructors while `body` runs. `fetch` itself makes its streams with the global one. */
async function counting(body: () => Promise<unknown>): Promise<Counts> {
  const counts: Counts = { Request: 0, Response: 0, Headers: 0, ReadableStream: 0 }
  for (const name of COUNTED) {
    const construct = (target: object, args: unknown[]): object => {
      counts[name] += 1
      return Reflect.construct(target as never, args)
    }
    vi.stubGlobal(name, new Proxy(globalThis[name], { construct }))
  }
  try {
    await body()
  } finally {
    vi.unstubAllGlobals()
  }
  return counts
}

/** How much more the same call with `send` constructs than with `fetch`. */
async function moreThanFetch(send: typeof fetch, call: (send: typeof fetch) => Promise<unknown>): Promise<Counts> {
  const [plain, own] = [await counting(() => call(fetch)), await counting(() => call(send))]
  const entries = COUNTED.map((name) => [name, own[name] - plain[name]])
  return Object.fromEntries(entries) as Counts
}

const NONE: Counts = { Request: 0, Response: 0, Headers: 0, ReadableStream: 0 }

const answering = () =>
  serve((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://x')
    response.statusCode =
      pathname === '/flaky' ? (request.headers['x-retry-attempt'] ? 200 : 503) : pathname === '/404' ? 404 : 200
    response.end('{"stock":42}')
  })

describe.each([
  ['without a shield', false as const],
  ['with the standard shield', undefined],
])('a call %s', (_, given) => {
  const send = resilientFetch({ name: 'x', shield: given })

  test.each<[string, string, () => RequestInit | undefined]>([
    ['a GET', '/', () => undefined],
    ['a GET of a URL', 'URL', () => undefined],
    ['a GET with headers and a signal', '/', () => ({ headers: { 'X-A': 'b' }, signal: new AbortController().signal })],
    ['a POST of JSON', '/', () => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })],
    ['a 404', '/404', () => ({})],
  ])('copies nothing: %s', async (_name, path, init) => {
    const origin = await answering()
    const url = path === 'URL' ? new URL(origin) : origin + path
    for (const method of ['json', 'text', 'arrayBuffer'] as const) {
      expect(await moreThanFetch(send, async (get) => (await get(url, init()))[method]())).toEqual(NONE)
    }
  })

  test('copies the headers of a Headers object once for the call and once for its attempt', async () => {
    const url = await answering()
    const headers = new Headers({ a: 'b' })
    const more = await moreThanFetch(send, async (get) => (await get(url, { headers })).json())
    expect(more).toEqual({ ...NONE, Headers: 2 })
  })

  test('checks unusual options with a Request', async () => {
    const url = await answering()
    const more = await moreThanFetch(send, async (get) => (await get(url, { redirect: 'error' })).json())
    expect(more).toEqual({ ...NONE, Request: 1 })
  })

  test.each<[string, (response: Response) => unknown]>([
    ['whose body is read as a stream', (response) => response.body],
    ['that is cloned', (response) => response.clone()],
    ['that is not read for a moment', settled],
  ])('makes a second stream only for a response %s', async (_name, use) => {
    const url = await answering()
    const more = await moreThanFetch(send, async (get) => {
      const response = await get(url)
      await use(response)
      expect(await response.json()).toEqual({ stock: 42 })
    })
    expect(more).toEqual({ ...NONE, Response: 1, ReadableStream: 1 })
  })
})

test('a response that is retried is read ahead through a stream, and never copied', async () => {
  const url = `${await answering()}/flaky`
  const retried = resilientFetch({ name: 'x', shield: shield('x', retryOnce()) })
  // Without the retry, `fetch` makes one stream for one response.
  expect(await counting(async () => (await retried(url)).json())).toEqual({ ...NONE, ReadableStream: 3 })
})

test('a custom fetch receives Headers', async () => {
  const seen: unknown[] = []
  const custom: typeof fetch = async (_input, init) => {
    seen.push(init?.headers)
    return new Response('ok')
  }
  const get = resilientFetch({ name: 'x', fetch: custom })
  await (await get('http://x/')).text()
  await (await get('http://x/', { headers: { a: 'b' } })).text()
  expect(seen).toEqual([expect.any(Headers), expect.any(Headers)])
})
