import { describe, expect, test, vi } from 'vitest'
import { cache, fallback, shield } from '../../../index.ts'
import { setUp } from './setup.ts'

describe('keys and values of a cache', () => {
  test('rejects a call without a key with a TypeError that names shield and policy', async () => {
    const { s } = setUp({ ttl: '1s', name: 'prices' })
    const operation = vi.fn(() => 1)
    const run = s.run.bind(s) as (operation: () => unknown, options?: unknown) => Promise<unknown>
    for (const options of [undefined, {}, { key: undefined }]) {
      const error = (await run(operation, options).catch((thrown) => thrown)) as Error
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/shield 's'.*'prices' needs a key/)
    }
    const wrapped = (s.wrap.bind(s) as (fn: () => unknown) => () => Promise<unknown>)(operation)
    await expect(wrapped()).rejects.toThrow(TypeError)
    expect(operation).not.toHaveBeenCalled()
  })

  test('wrap derives the key from the arguments', async () => {
    const { s } = setUp({ ttl: '1s' })
    const load = vi.fn(async (id: number) => `item ${id}`)
    const wrapped = s.wrap(load, { key: (id) => `item ${id}` })
    expect([await wrapped(1), await wrapped(2), await wrapped(1)]).toEqual(['item 1', 'item 2', 'item 1'])
    expect(load).toHaveBeenCalledTimes(2)
  })

  test.each<[string, () => unknown]>([
    ['Response', () => new Response('text')],
    ['Response', () => new Response(null)],
    ['Response', () => new Request('http://127.0.0.1/')],
    ['stream', () => new ReadableStream()],
    ['stream', () => ({ pipe: () => {}, readable: true })],
    ['iterator', () => [1][Symbol.iterator]()],
    ['iterator', () => [1].values()],
  ])('rejects a value that can be read only once, and says what to do instead: a %s', async (what, operation) => {
    const { run, status } = setUp({ ttl: '1s' })
    const answer = await run(() => Promise.resolve(operation()))
    expect(answer).toMatch(new RegExp(`error: shield 's': the policy 'cache' .*${what}.* only once; read it inside`))
    expect(status()).toMatchObject({ entries: 0 })
  })

  test.each<[string, unknown]>([
    ['a blob', new Blob(['x'])],
    ['an array', [1]],
    ['a map', new Map()],
    ['an observable', { pipe: () => {}, subscribe: () => {} }],
    ['a linked list', { next: undefined }],
    [
      'a proxy that throws on reading',
      new Proxy({}, { get: (_, key) => (key === 'then' ? undefined : JSON.parse('no json')) }),
    ],
    ['a function', () => 5],
  ])('stores a value that can be read many times: %s', async (_name, value) => {
    const { run, status } = setUp({ ttl: '1s' })
    expect((await run(() => value)) === value).toBe(true)
    expect(status()).toMatchObject({ entries: 1 })
  })

  test('warns about a fallback inside, whose substitute would be stored', () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    shield('doubtful', cache({ ttl: '1s' }), fallback(null))
    shield('fine', fallback(null), cache({ ttl: '1s' }))
    expect(warnings.mock.calls.map(([text]) => text)).toEqual([expect.stringContaining("the fallback 'fallback'")])
    warnings.mockRestore()
  })
})
