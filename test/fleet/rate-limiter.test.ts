import { setImmediate } from 'node:timers/promises'
import { RateLimitedError, type RateLimiterOptions, rateLimiter, shield } from 'escudo'
import { type Fleet, fleet } from 'escudo/redis'
import { describe, expect, test } from 'vitest'
import { LIBRARIES } from './helpers/clients.ts'
import { redisForTests } from './helpers/fixture.ts'
import { type RedisServer, startRedis, until } from './helpers/redis.ts'

const redis = redisForTests()
const { closing } = redis

describe.each(LIBRARIES)('a shared rate limit over $name', ({ connect }) => {
  async function instance(options: Omit<RateLimiterOptions, 'shared'>) {
    const { client, close } = await connect(redis.server)
    const shared: Fleet = fleet({ client, timeout: '5s' })
    closing.push(() => shared.close().then(close))
    const mail = shield('mail', rateLimiter({ ...options, shared }))
    const call = (key?: string): Promise<boolean> =>
      mail
        .run(() => true, key === undefined ? {} : { key })
        .catch((error: unknown) => {
          if (error instanceof RateLimitedError) return false
          throw error
        })
    return { shared, mail, call }
  }
  const admitted = async (calls: readonly Promise<boolean>[]): Promise<number> =>
    (await Promise.all(calls)).filter(Boolean).length

  test('the instances admit the limit together, not each', async () => {
    const fleetOf = await Promise.all([1, 2, 3, 4].map(() => instance({ limit: 20, per: '1h', maxWait: '100ms' })))
    await until(async () => (await fleetOf[0]?.shared.status())?.instances === 4, 'all four are known')
    let total = 0
    for (let round = 0; round < 15; round += 1) {
      total += await admitted(fleetOf.flatMap(({ call }) => [call(), call()]))
    }
    expect(total).toBeLessThanOrEqual(20)
    expect(total).toBeGreaterThan(12)
  })

  test('knows how many instances there are also after a loss of all data', async () => {
    const fleetOf = await Promise.all([1, 2, 3].map(() => instance({ limit: 30, per: '1h' })))
    await until(async () => (await fleetOf[0]?.shared.status())?.instances === 3, 'all three are known')
    await redis.admin.flushall()
    // Alone in the set, it would lease the whole limit.
    expect((await fleetOf[0]?.shared.status())?.instances).toBe(3)
  })

  test('permits of a closed instance return', async () => {
    const first = await instance({ limit: 20, per: '1h' })
    await until(() => Number(first.mail.status().policies[0]?.['available']) > 0, 'the lease is there')
    expect(Number(await redis.admin.exists('escudo:{mail}:rateLimiter'))).toBe(1)
    await first.shared.close()
    // Nothing was used, so the bucket is full, and a full bucket needs no key.
    expect(await redis.admin.keys('*')).toEqual([])
  })

  test('each key has a separate limit', async () => {
    const { call } = await instance({ limit: 1, per: '1h', maxWait: '100ms', perKey: {} })
    expect([await call('ana'), await call('bea'), await call('ana')]).toEqual([true, true, false])
  })

  test('exact: never more than the limit, and the refusal says when to try again', async () => {
    const fleetOf = await Promise.all([1, 2, 3].map(() => instance({ limit: 10, per: '1h', exact: true })))
    expect(await admitted(fleetOf.flatMap(({ call }) => [call(), call(), call(), call(), call()]))).toBe(10)
    const error = await fleetOf[0]?.mail.run(() => true).catch((reason) => reason)
    expect(error).toBeInstanceOf(RateLimitedError)
    expect(error.retryAfterMs).toBeGreaterThan(300_000)
    expect(error.retryAfterMs).toBeLessThanOrEqual(360_000)
  })

  test('exact: a call waits for its permit up to maxWait', async () => {
    const { call } = await instance({ limit: 1, per: '100ms', exact: true, maxWait: '5s' })
    expect(await admitted([call(), call(), call()])).toBe(3)
  })

  test('a cancelled call of an exact limit ends at once with its own reason', async () => {
    const { mail } = await instance({ limit: 1, per: '1h', exact: true, maxWait: '3h' })
    await mail.run(() => true)
    const controller = new AbortController()
    const call = mail.run(() => true, { signal: controller.signal })
    controller.abort(new Error('the user left'))
    await expect(call).rejects.toThrow('the user left')
  })

  test('goes on after SCRIPT FLUSH', async () => {
    const { call } = await instance({ limit: 10, per: '1h', exact: true })
    expect(await call()).toBe(true)
    await redis.admin.script('FLUSH')
    expect(await call()).toBe(true)
  })

  test('every key has a time to live', async () => {
    const { call, shared } = await instance({ limit: 5, per: '1m', maxWait: '100ms', perKey: {} })
    await Promise.all([call('ana'), call('bea'), shared.status()])
    const keys = await redis.admin.keys('*')
    expect(keys.length).toBe(3)
    for (const key of keys) expect(await redis.admin.pttl(key), key).toBeGreaterThan(0)
  })

  test.each([false, true])('refuses a call with a cost above 1, exact: %s', async (exact) => {
    const { mail } = await instance({ limit: 20, per: '1h', maxWait: '5s', exact })
    await expect(mail.run(() => true, { cost: 3 })).rejects.toThrow(/^run\.cost: .*shares its limit with a fleet/)
    expect(await mail.run(() => true, { cost: 1 })).toBe(true)
  })
})

describe.each([
  { onLoss: 'closed' as const, low: 0, high: 0 },
  { onLoss: 'share' as const, low: 9, high: 11 },
  { onLoss: 'open' as const, low: 50, high: 50 },
])('without Redis, onLoss: $onLoss', ({ onLoss, low, high }) => {
  test.each([{ exact: false }, { exact: true }])('admits what onLoss says, exact: $exact', async ({ exact }) => {
    const own = (await startRedis()) as RedisServer
    const client = own.client()
    const shared = fleet({ client })
    closing.push(async () => {
      await shared.close()
      client.disconnect()
      await own.remove()
    })
    const events: string[] = []
    shared.on('lost', () => events.push('lost'))
    shared.on('recovered', () => events.push('recovered'))
    await own.kill()
    const mail = shield('mail', rateLimiter({ limit: 10, per: '1h', shared, exact, onLoss }))
    await until(() => events.includes('lost') || exact, 'Redis is known to be lost')
    if (exact) for (let call = 0; call < 5; call += 1) await mail.run(() => true).catch(() => {})
    let decided = 0
    const calls = Array.from({ length: 50 }, () => mail.run(() => true).finally(() => (decided += 1)))
    const settled = Promise.allSettled(calls)
    await setImmediate()
    // Known to be lost: no call waits for it, except one at a time that tries whether it is back.
    expect(decided).toBeGreaterThanOrEqual(49)
    const results = await settled
    const count = results.filter(({ status }) => status === 'fulfilled').length + (exact && onLoss === 'share' ? 5 : 0)
    expect(count).toBeGreaterThanOrEqual(low)
    expect(count).toBeLessThanOrEqual(high)
    await own.start()
    await until(() => events.includes('recovered'), 'Redis is back')
  })
})
