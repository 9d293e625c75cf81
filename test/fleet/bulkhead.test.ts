import { setTimeout as pause, setImmediate } from 'node:timers/promises'
import { BulkheadFullError, type BulkheadOptions, bulkhead, type Shield, shield } from 'escudo'
import { type Fleet, fleet } from 'escudo/redis'
import { describe, expect, test } from 'vitest'
import { LIBRARIES } from './helpers/clients.ts'
import { redisForTests } from './helpers/fixture.ts'
import { type RedisServer, startRedis, until } from './helpers/redis.ts'
import { permitsIn, semaphoreField } from './helpers/semaphore.ts'

const redis = redisForTests()
const { closing } = redis
const KEY = 'escudo:{reports}:bulkhead:permits'

/** Calls that run until the test ends them. */
class Work {
  running = 0
  most = 0
  readonly #ends: (() => void)[] = []

  run = async (): Promise<true> => {
    this.running += 1
    this.most = Math.max(this.most, this.running)
    await new Promise<void>((resolve) => this.#ends.push(resolve))
    this.running -= 1
    return true
  }

  end(count = this.#ends.length): void {
    for (const end of this.#ends.splice(0, count)) end()
  }
}

const held = (reports: Shield): number => Number(reports.status().policies[0]?.['held'])
const refusedOr = (call: Promise<true>): Promise<boolean> =>
  call.catch((error: unknown) => {
    if (error instanceof BulkheadFullError) return false
    throw error
  })

describe.each(LIBRARIES)('a shared bulkhead over $name', ({ connect }) => {
  async function instance(options: Omit<BulkheadOptions, 'shared'>) {
    const { client, close } = await connect(redis.server)
    const shared = fleet({ client, timeout: '5s' })
    closing.push(() => shared.close().then(close))
    const reports = shield('reports', bulkhead({ ...options, shared }))
    return { shared, reports }
  }

  test.each([{ exact: false }, { exact: true }])('the instances run the limit together: %o', async ({ exact }) => {
    const all = await Promise.all([1, 2, 3].map(() => instance({ limit: 6, queue: 100, maxWait: '10s', exact })))
    const work = new Work()
    const calls = all.flatMap(({ reports }) => Array.from({ length: 10 }, () => reports.run(work.run)))
    let done = 0
    for (const call of calls) void call.then(() => (done += 1))
    await until(() => work.running === 6, 'all permits are in use')
    while (done < calls.length) {
      work.end(1)
      await pause(1)
    }
    expect(work.most).toBe(6)
  })

  test.each([{ exact: false }, { exact: true }])('without a queue a call is refused at the limit: %o', async (how) => {
    const [first, second] = await Promise.all([1, 2].map(() => instance({ limit: 4, ...how })))
    if (first === undefined || second === undefined) return
    const work = new Work()
    await until(async () => {
      void refusedOr(first.reports.run(work.run))
      await pause(10)
      return work.running === 4
    }, 'one instance has all permits')
    expect(await refusedOr(second.reports.run(work.run))).toBe(false)
    work.end(1)
    await until(async () => {
      void refusedOr(second.reports.run(work.run))
      await pause(10)
      return work.running === 4
    }, 'the other one has the permit that was released')
    expect(work.most).toBe(4)
    work.end()
  })

  test.each([{ queue: 0 }, { queue: 3 }])(
    'exact: rejects the calls for which the queue has no room: %o',
    async (how) => {
      const [first, second] = await Promise.all([1, 2].map(() => instance({ limit: 2, exact: true, ...how })))
      if (first === undefined || second === undefined) return
      const work = new Work()
      const running = [first.reports.run(work.run), first.reports.run(work.run)]
      await until(() => work.running === 2, 'the other instance has all permits')
      let [refused, done] = [0, 0]
      for (let count = 0; count < 10; count += 1) {
        void refusedOr(second.reports.run(work.run)).then((hasRun) => {
          if (hasRun) done += 1
          else refused += 1
        })
      }
      await until(() => refused === 10 - how.queue, 'as many wait as there is room for', 3_000)
      expect(second.reports.status().policies[0]).toMatchObject({ inUse: 0, queued: how.queue })
      await until(() => {
        work.end()
        return done === how.queue
      }, 'those that waited have run')
      await Promise.all(running)
      expect([refused, work.most]).toEqual([10 - how.queue, 2])
    },
  )

  test('a call with a permit in memory starts at once', async () => {
    const { reports } = await instance({ limit: 100 })
    await until(() => held(reports) > 1, 'permits are there')
    let started = false
    const call = reports.run(() => {
      started = true
    })
    expect(started).toBe(true)
    await call
  })

  test('the status has the permits of every instance', async () => {
    const [first, second] = await Promise.all([instance({ limit: 3, exact: true }), instance({ limit: 3, queue: 5 })])
    const work = new Work()
    await until(async () => {
      void refusedOr(first.reports.run(work.run))
      await pause(10)
      return work.running === 3
    }, 'the first one has all permits')
    const call = second.reports.run(work.run)
    const all = [
      { instance: first.shared.instance, held: 3, wanted: 0 },
      { instance: second.shared.instance, held: 0, wanted: expect.any(Number) },
    ].sort((a, b) => (a.instance < b.instance ? -1 : 1))
    for (const { shared } of [first, second]) {
      await expect
        .poll(() => shared.status(), { timeout: 10_000 })
        .toMatchObject({
          connected: true,
          bulkheads: [{ shield: 'reports', policy: 'bulkhead', limit: 3, instances: all }],
        })
    }
    second.reports.reconfigure({ bulkhead: { limit: 4 } })
    expect((await second.shared.status()).bulkheads[0]?.limit).toBe(4)
    await until(() => work.running === 4, 'the second one has the new permit')
    work.end()
    await call
  })

  test('the status has the permits of a dead process under the same name as its own', async () => {
    const { shared, reports } = await instance({ limit: 5, exact: true, queue: 5 })
    const work = new Work()
    const call = reports.run(work.run)
    await until(() => work.running === 1, 'it runs')
    await redis.admin.hset(KEY, `${shared.instance}#before`, semaphoreField(Date.now() * 1_000 + 3_000_000, 7, 2, 1, 0))
    await redis.admin.hset(KEY, 'dead#1', semaphoreField(Date.now() * 1_000 - 1, 7, 2, 1, 0))
    const { bulkheads } = await shared.status()
    expect(bulkheads[0]?.instances).toEqual([{ instance: shared.instance, held: 3, wanted: 1 }])
    work.end()
    await call
  })

  test('permits of a closed instance return, and its running calls keep theirs', async () => {
    const { shared, reports } = await instance({ limit: 10 })
    const work = new Work()
    await until(() => held(reports) > 0, 'permits are there')
    const call = reports.run(work.run)
    await shared.close()
    expect(await permitsIn(redis.admin, KEY)).toEqual([1])
    work.end()
    await call
    await redis.admin.flushall()
    const idle = await instance({ limit: 10 })
    await until(() => held(idle.reports) > 0, 'permits are there')
    await idle.shared.close()
    expect(await redis.admin.keys('*')).toEqual([])
  })

  test('permits of a dead process return within 5 s', async () => {
    const startMs = performance.now()
    const endsUs = Date.now() * 1_000 + 4_000_000
    await redis.admin.hset(KEY, 'dead#1', semaphoreField(endsUs, 7, 3, 0, 0))
    const { reports } = await instance({ limit: 3, queue: 3, maxWait: '8s' })
    const work = new Work()
    const call = reports.run(work.run)
    await until(() => work.running === 1, 'the call has a permit')
    expect(performance.now() - startMs).toBeGreaterThan(3_500)
    expect(performance.now() - startMs).toBeLessThan(5_000)
    work.end()
    await call
  })

  test('goes on after SCRIPT FLUSH, and every key has a time to live', async () => {
    const { reports } = await instance({ limit: 2, exact: true, queue: 2 })
    expect(await reports.run(() => 1)).toBe(1)
    await redis.admin.script('FLUSH')
    expect(await reports.run(() => 2)).toBe(2)
    const work = new Work()
    const call = reports.run(work.run)
    await until(() => work.running === 1, 'it runs')
    for (const key of await redis.admin.keys('*')) expect(await redis.admin.pttl(key), key).toBeGreaterThan(0)
    work.end()
    await call
  })

  test('a new limit applies to the fleet', async () => {
    const { reports } = await instance({ limit: 1, queue: 10 })
    const work = new Work()
    const calls = [1, 2, 3].map(() => reports.run(work.run))
    await until(() => work.running === 1, 'one runs')
    reports.reconfigure({ bulkhead: { limit: 3 } })
    await until(() => work.running === 3, 'all run')
    work.end()
    await Promise.all(calls)
  })

  test('options that cannot work are refused', async () => {
    const { shared } = await instance({ limit: 1 })
    expect(() => bulkhead({ limit: 1, exact: true })).toThrow(/^bulkhead\.exact: .*needs `shared`/)
    expect(() => bulkhead({ limit: 1, onLoss: 'open' })).toThrow(/^bulkhead\.onLoss: .*needs `shared`/)
    expect(() => bulkhead({ limit: 1, shared, perKey: {} })).toThrow(/^bulkhead\.shared: .*perKey/)
    expect(() => bulkhead({ limit: 1, shared: {} as Fleet })).toThrow(/^bulkhead\.shared: expected the result of fleet/)
  })

  test('a call inside the call with the last permit of the fleet waits for itself', async () => {
    const { reports } = await instance({ limit: 1, queue: 10 })
    const error = await reports.run(() => reports.run(() => true)).catch((reason: unknown) => reason)
    expect(String(error)).toContain('a call waits for itself')
  })

  test('a cancelled call leaves at once, exact or not', async () => {
    for (const exact of [false, true]) {
      const { reports } = await instance({ limit: 1, queue: 10, exact })
      const work = new Work()
      const running = reports.run(work.run)
      await until(() => work.running === 1, 'it runs')
      const controller = new AbortController()
      const call = reports.run(work.run, { signal: controller.signal })
      controller.abort(new Error('the user left'))
      await expect(call).rejects.toThrow('the user left')
      work.end()
      await running
      await redis.admin.flushall()
    }
  })
})

describe.each([
  { onLoss: 'closed' as const, runs: 0 },
  { onLoss: 'share' as const, runs: 10 },
  { onLoss: 'open' as const, runs: 10 },
])('a shared bulkhead without Redis, onLoss: $onLoss', ({ onLoss, runs }) => {
  test.each([{ exact: false }, { exact: true }])('admits what onLoss says: %o', async ({ exact }) => {
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
    const reports = shield('reports', bulkhead({ limit: 10, shared, exact, onLoss }))
    await until(() => events.includes('lost'), 'Redis is known to be lost')
    const work = new Work()
    let refused = 0
    const calls = Array.from({ length: 30 }, () =>
      refusedOr(reports.run(work.run)).then((hasRun) => {
        refused += Number(!hasRun)
      }),
    )
    await setImmediate()
    expect([work.running, refused]).toEqual([runs, 30 - runs])
    const { bulkheads, connected } = await shared.status()
    const alone = { instance: shared.instance, held: runs, wanted: 0 }
    expect([connected, bulkheads]).toEqual([
      false,
      [{ shield: 'reports', policy: 'bulkhead', limit: 10, instances: [alone] }],
    ])
    await own.start()
    await until(() => events.includes('recovered'), 'Redis is back')
    work.end()
    await Promise.all(calls)
    await until(async () => {
      const call = refusedOr(reports.run(async () => true as const))
      return call
    }, 'calls run again')
  })
})
