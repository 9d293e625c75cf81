import { afterEach, describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { fullShield, rejectionOf, retryOnce, serve, settled } from './setup.ts'

const bare = resilientFetch({ name: 'x', shield: false })
const answering = () => serve((_, response) => response.end('{"stock":42}'))
type Reader = Record<string, (this: unknown) => Promise<unknown>>

describe('a delivered response', () => {
  test('has the own keys of a response of fetch, also in a spread', async () => {
    const origin = await answering()
    for (const isRead of [false, true]) {
      const [plain, own] = [await fetch(origin), await bare(origin)]
      if (isRead) await Promise.all([plain.text(), own.text()])
      // In the place of a description: Node 20 keeps the state of a response under symbols.
      const keysOf = (object: object) => Reflect.ownKeys(object).map(String)
      expect(keysOf(own)).toEqual(keysOf(plain))
      expect(keysOf({ ...own })).toEqual(keysOf({ ...plain }))
      if (!isRead) await Promise.all([plain.text(), own.text()])
    }
  })

  test.each(['json', 'text', 'arrayBuffer', 'blob', 'formData'])(
    'has methods that reject for any other object: %s',
    async (method) => {
      const response = await bare(await answering())
      const detached = (response as unknown as Reader)[method]
      for (const other of [undefined, null, 5, {}]) {
        expect(await rejectionOf(detached?.call(other) as Promise<unknown>)).toBeInstanceOf(TypeError)
      }
      await response.text()
    },
  )

  test('has a clone method that throws for any other object', async () => {
    const response = await bare(await answering())
    const { clone } = response
    for (const other of [undefined, {}]) expect(() => clone.call(other as never)).toThrow(TypeError)
    await response.text()
  })

  test('refuses to be read through a proxy, as one of fetch does', async () => {
    const origin = await answering()
    const outcomes = [fetch, bare].map(async (send) => {
      const response = await send(origin)
      const read = (async () => await new Proxy(response, {}).json())()
      const outcome = await read.then(
        () => 'read',
        () => 'refused',
      )
      return [outcome, response.bodyUsed]
    })
    const [plain, own] = await Promise.all(outcomes)
    expect(own).toEqual(plain)
  })
})

test('a response of a custom fetch whose chunks are no Uint8Array rejects, as without escudo', async () => {
  const chunks = () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint16Array([1]) as never)
          controller.close()
        },
      }),
    )
  const response = await resilientFetch({ name: 'x', shield: false, fetch: async () => chunks() })('http://x')
  expect(await rejectionOf(response.text())).toBeInstanceOf(TypeError)
  expect(await rejectionOf(chunks().text())).toBeInstanceOf(TypeError)
})

describe('a program that replaces a method of Response', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test.each(['json', 'text', 'arrayBuffer', 'blob'] as const)(
    'has its method called, and the attempt ends: %s',
    async (method) => {
      const { guarded, state } = fullShield()
      const get = resilientFetch({ name: 'x', baseUrl: await answering(), shield: guarded })
      await (await get('/')).text()
      const spy = vi.spyOn(Response.prototype, method)
      await (await get('/'))[method]()
      expect(spy).toHaveBeenCalledTimes(1)
      spy.mockResolvedValue('replaced' as never)
      expect(await (await get('/'))[method]()).toBe('replaced')
      await settled()
      expect(state().inUse).toBe(0)
      spy.mockRestore()
      await (await get('/'))[method]()
      expect(state()).toEqual({ retries: 0, failures: 0, calls: 4, inUse: 0 })
    },
  )

  test('is respected if it did so before the first response', async () => {
    vi.resetModules()
    const spy = vi.spyOn(Response.prototype, 'json').mockResolvedValue('replaced')
    const fresh = await import('../resilient-fetch.ts')
    const response = await fresh.resilientFetch({ name: 'x', shield: false })(await answering())
    expect(await response.json()).toBe('replaced')
    spy.mockRestore()
    expect(await (await bare(await answering())).json()).toEqual({ stock: 42 })
  })
})

describe('a request', () => {
  test('is sent as it was when the call began: a URL that is changed later', async () => {
    const paths: (string | undefined)[] = []
    const origin = await serve((request, response) => {
      paths.push(request.url)
      response.writeHead(paths.length === 1 ? 503 : 200).end()
    })
    const url = new URL('/first', origin)
    const answer = resilientFetch({ name: 'x', shield: shield('x', retryOnce()) })(url)
    url.pathname = '/second'
    expect((await answer).status).toBe(200)
    expect(paths).toEqual(['/first', '/first'])
  })

  test('has headers with the names of properties, as with fetch', async () => {
    const origin = await serve((incoming, response) => response.end(JSON.stringify(incoming.rawHeaders)))
    const headers = JSON.parse('{"__proto__":"a","constructor":"b","set":"c"}')
    for (const send of [fetch, bare]) {
      const sent = (await (await send(origin, { headers })).json()) as string[]
      expect(sent.join()).toMatch(/^(?!.*__proto__)(?=.*constructor,b)(?=.*set,c)/)
    }
  })

  test('has its method in the options of a custom fetch', async () => {
    const methods: unknown[] = []
    const custom: typeof fetch = async (_input, init) => {
      methods.push(init?.method)
      return new Response()
    }
    const send = resilientFetch({ name: 'x', shield: false, fetch: custom })
    for (const method of [undefined, 'GET', 'DELETE']) await send('http://x', method === undefined ? {} : { method })
    expect(methods).toEqual(['GET', 'GET', 'DELETE'])
  })

  test.each<[string, RegExp, unknown[]]>([
    ['no URL', /parse URL from undefined/, []],
    ['null', /parse URL from null/, [null]],
    ['a symbol as the name of a header', /symbol/, ['http://127.0.0.1', { headers: { [Symbol('name')]: 'x' } }]],
    ['a URL with a password', /credentials/, ['http://user:secret@127.0.0.1']],
    ['null as headers', /./, ['http://127.0.0.1', { headers: null }]],
    ['a line break in a header', /header/i, ['http://127.0.0.1', { headers: { a: 'b\r\nc: d' } }]],
    ['text as options', /GET/, ['http://127.0.0.1', 'GET']],
    ['a number as options', /5/, ['http://127.0.0.1', 5]],
  ])('is refused with a TypeError that says the same as that of fetch: %s', async (_, message, args) => {
    for (const send of [fetch, bare] as ((...given: unknown[]) => Promise<unknown>)[]) {
      const error = (await rejectionOf(send(...args))) as Error
      expect([error.constructor, error.message]).toEqual([TypeError, expect.stringMatching(message)])
    }
  })
})
