import { fleet } from 'escudo/redis'
import { describe, expect, test } from 'vitest'
import { LIBRARIES } from './helpers/clients.ts'
import { redisForTests } from './helpers/fixture.ts'
import { type RedisServer, startRedis, until } from './helpers/redis.ts'

const redis = redisForTests()

describe.each(LIBRARIES)('the store of a fleet over $name', ({ name, connect }) => {
  test('shares values between instances until they end', async () => {
    const [first, second] = [await connect(redis.server), await connect(redis.server)]
    const options = { prefix: name, timeout: '5s' } as const
    const one = fleet({ client: first.client, ...options }).store()
    const other = fleet({ client: second.client, ...options }).store()
    const value = { value: { price: 12.5, name: 'Poción' }, storedAt: 5 }
    await one.set('a:{b}', value, 60_000)
    expect(await other.get('a:{b}')).toEqual(value)
    await other.delete('a:{b}')
    expect(await one.get('a:{b}')).toBeUndefined()
    await one.set('short', 1, 20.5)
    await until(async () => (await other.get('short')) === undefined, 'the value has ended')
    first.close()
    second.close()
  })

  test('stores nothing that is too large, no JSON or has no time, and keeps no older value instead', async () => {
    const { client, close } = await connect(redis.server)
    const store = fleet({ client, prefix: name, timeout: '5s' }).store({ name: 'small', maxBytes: 10 })
    for (const [value, keepMs] of [
      ['x'.repeat(9), 1_000],
      [undefined, 1_000],
      [1, 0],
      [1, Number.NaN],
    ] as const) {
      await store.set('key', 'old', 60_000)
      await store.set('key', value, keepMs)
      expect(await store.get('key')).toBeUndefined()
    }
    await store.set('key', 'x'.repeat(8), Number.POSITIVE_INFINITY)
    expect(await store.get('key')).toBe('x'.repeat(8))
    close()
  })
})

test('a store rejects within the timeout while Redis does not answer', async () => {
  const paused = (await startRedis()) as RedisServer
  const client = paused.client()
  const store = fleet({ client }).store()
  await store.set('key', 1, 60_000)
  paused.pause()
  const startMs = performance.now()
  await expect(store.get('key')).rejects.toThrow()
  expect(performance.now() - startMs).toBeLessThan(1_000)
  client.disconnect()
  await paused.remove()
})
