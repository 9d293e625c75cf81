import { type CacheOptions, type CacheStore, cache, shield } from 'escudo'
import { fleet } from 'escudo/redis'
import { describe, expect, test } from 'vitest'
import { LIBRARIES } from './helpers/clients.ts'
import { redisForTests } from './helpers/fixture.ts'
import { type RedisServer, startRedis, until } from './helpers/redis.ts'

const redis = redisForTests()

describe.each(LIBRARIES)('a cache of a fleet over $name', ({ connect }) => {
  async function instance(options: Partial<CacheOptions> = {}) {
    const { client, close } = await connect(redis.server)
    redis.closing.push(close)
    const store = fleet({ client, timeout: '5s' }).store() as CacheStore
    return shield('shop', cache({ ttl: '1m', store, storeTimeout: '5s', flightTimeout: '5s', ...options }))
  }

  test('one instance of eight runs the operation, and the lock is gone afterwards', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => instance()))
    let runs = 0
    const load = async (): Promise<string> => {
      runs += 1
      await new Promise((resolve) => setTimeout(resolve, 100))
      return 'value'
    }
    const calls = all.flatMap((shop) => [1, 2, 3].map(() => shop.run(load, { key: 'a:{b}' })))
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['value']))
    expect(runs).toBe(1)
    await until(async () => (await redis.admin.keys('*')).length === 1, 'the lock is released')
  })

  test('one instance refreshes, and all read the new value', async () => {
    const options = { ttl: '20ms', staleWhileRevalidate: '1h' } as const
    const all = await Promise.all(Array.from({ length: 4 }, () => instance(options)))
    await all[0]?.run(() => 'old', { key: 'k' })
    await until(async () => (await redis.admin.exists('escudo:{k}:cache')) === 1, 'it is stored')
    await new Promise((resolve) => setTimeout(resolve, 40))
    let runs = 0
    const refresh = async (): Promise<string> => {
      runs += 1
      await new Promise((resolve) => setTimeout(resolve, 50))
      return 'new'
    }
    expect(new Set(await Promise.all(all.map((shop) => shop.run(refresh, { key: 'k' }))))).toEqual(new Set(['old']))
    await until(async () => (await redis.admin.get('escudo:{k}:cache'))?.includes('new') ?? false, 'it is refreshed')
    expect(runs).toBe(1)
  })

  test('a custom serializer converts what JSON cannot, and its errors fail no call', async () => {
    const { client, close } = await connect(redis.server)
    redis.closing.push(close)
    const serializer = {
      stringify: (value: unknown) =>
        JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)),
      parse: (text: string) =>
        JSON.parse(text, (_name, part: unknown) =>
          typeof part === 'string' && /^\d+n$/.test(part) ? BigInt(part.slice(0, -1)) : part,
        ),
    }
    const store = fleet({ client, timeout: '5s' }).store({ serializer })
    await store.set('big', { value: 12n }, 60_000)
    expect(await store.get('big')).toEqual({ value: 12n })
    const plain = fleet({ client, timeout: '5s' }).store({ name: 'plain' })
    await plain.set('big', 'old', 60_000)
    await expect(plain.set('big', 12n, 60_000)).rejects.toThrow(TypeError)
    expect(await plain.get('big')).toBeUndefined()
    const shop = shield('shop', cache({ ttl: '1m', store: plain as CacheStore }))
    expect(await shop.run(() => 12n, { key: 'k' })).toBe(12n)
    expect(() => fleet({ client }).store({ serializer: {} as typeof serializer })).toThrow(/serializer\.stringify/)
  })
})

test('no call fails or waits long when Redis stops in the middle of a flight', async () => {
  const own = (await startRedis()) as RedisServer
  const client = own.client()
  const shared = fleet({ client })
  const store = shared.store() as CacheStore
  const [one, other] = [1, 2].map(() => shield('shop', cache({ ttl: '1m', store, flightTimeout: '300ms' })))
  if (one === undefined || other === undefined) return
  const slow = async (): Promise<string> => {
    await new Promise((resolve) => setTimeout(resolve, 100))
    return 'value'
  }
  const first = one.run(slow, { key: 'k' })
  await until(async () => (await client.exists('escudo:{k}:cache:lock')) === 1, 'it has the lock')
  const startMs = performance.now()
  const second = other.run(slow, { key: 'k' })
  own.pause()
  expect(await Promise.all([first, second])).toEqual(['value', 'value'])
  expect(performance.now() - startMs).toBeLessThan(1_500)
  own.resume()
  client.disconnect()
  await own.remove()
})
