import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  adaptiveLimiter,
  adaptiveThrottle,
  aimd,
  cache,
  coalesce,
  fallback,
  hedge,
  rateLimiter,
  retryBudget,
  type Shield,
  shield,
} from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

const fail = (): Promise<never> => Promise.reject(new Error('down'))
const status = (s: Pick<Shield, 'status'>): Record<string, unknown> => ({ ...s.status().policies[0] })

describe('rateLimiter', () => {
  test('keeps the permits that it has: a new limit takes and gives none', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, rateLimiter({ limit: 10, per: '1s' }))
    for (let n = 0; n < 8; n += 1) await s.run(() => n)
    s.reconfigure({ rateLimiter: { limit: 100 } })
    expect(status(s)).toMatchObject({ available: 2 })
    await clock.advance(100)
    expect(status(s)).toMatchObject({ available: 12 })
    s.reconfigure({ rateLimiter: { limit: 5 } })
    expect(status(s)).toMatchObject({ available: 5 })
    s.reconfigure({ rateLimiter: { per: '10s' } })
    expect(status(s)).toMatchObject({ available: 5 })
    for (let n = 0; n < 5; n += 1) await s.run(() => n)
    await expect(s.run(() => 1)).rejects.toMatchObject({
      retryAfterMs: 2_000,
      message: expect.stringContaining('5 calls per 10000 ms'),
    })
  })

  test('keeps the calls in a sliding window', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, rateLimiter({ limit: 5, per: '10s', algorithm: 'slidingWindow' }))
    for (let n = 0; n < 5; n += 1) {
      await s.run(() => n)
      await clock.advance('1s')
    }
    s.reconfigure({ rateLimiter: { limit: 2 } })
    // Four of the five must expire; the fourth began at 3 s.
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 8_000 })
    await clock.advance('8s')
    expect(await s.run(() => 'later')).toBe('later')
    s.reconfigure({ rateLimiter: { limit: 20 } })
    expect(status(s)).toMatchObject({ available: 18 })
  })

  test('a higher limit serves waiting calls earlier; a lower one refuses those that would wait too long', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, rateLimiter({ limit: 1, per: '1s', maxWait: '10s' }))
    const log: unknown[] = []
    const call = (name: string): void => {
      s.run(() => log.push([name, clock.now()])).catch(({ code }) => log.push([name, code, clock.now()]))
    }
    for (const name of ['a', 'b', 'c', 'd', 'e']) call(name)
    await clock.advance(500)
    s.reconfigure({ rateLimiter: { limit: 10 } })
    await clock.advance(200)
    expect(log).toEqual([
      ['a', 0],
      ['b', 550],
      ['c', 650],
    ])
    s.reconfigure({ rateLimiter: { limit: 1, per: '8s' } })
    await clock.advance('20s')
    expect(log.slice(3)).toEqual([
      ['d', expect.any(Number)],
      ['e', 'RATE_LIMITED', expect.any(Number)],
    ])
    expect(status(s)).toMatchObject({ queued: 0 })
  })

  test('a new maxWait is for calls that begin to wait afterwards', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, rateLimiter({ limit: 1, per: '5s', maxWait: '10s' }))
    await s.run(() => 1)
    const waiting = s.run(() => 'waited')
    s.reconfigure({ rateLimiter: { maxWait: '1s' } })
    await expect(s.run(() => 1)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    await clock.advance('5s')
    expect(await waiting).toBe('waited')
  })

  test('changes every key, and keys that come later', async () => {
    const s = shield({ name: 's', clock: virtualClock() }, rateLimiter({ limit: 1, per: '1s', perKey: {} }))
    await s.run(() => 1, { key: 'a' })
    s.reconfigure({ rateLimiter: { limit: 2 } })
    await expect(s.run(() => 1, { key: 'a' })).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    await s.run(() => 1, { key: 'b' })
    await s.run(() => 1, { key: 'b' })
  })

  test('property: in any time, no more calls start than the highest limits allow', async () => {
    const limits = fc.record({ limit: fc.integer({ min: 1, max: 20 }), burst: fc.integer({ min: 1, max: 20 }) })
    const step = fc.record({ calls: fc.nat(10), waitMs: fc.nat(300), change: fc.option(limits) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, waits) => {
        const clock = virtualClock()
        const options = { limit: 20, burst: 20, per: 1_000, maxWait: waits ? 500 : 0 }
        const s = shield({ name: 's', clock }, rateLimiter(options))
        // What the bucket may have given: the burst, then what each limit gave in its time.
        let [level, limit, started, calls, refused] = [20, 20, 0, 0, 0]
        for (const { calls: count, waitMs, change } of steps) {
          for (let n = 0; n < count; n += 1) {
            calls += 1
            s.run(() => {
              started += 1
            }).catch(() => {
              refused += 1
            })
          }
          await clock.advance(waitMs)
          level += (limit * waitMs) / 1_000
          expect(started).toBeLessThanOrEqual(Math.floor(level + 1e-6))
          if (change === null) continue
          limit = change.limit
          s.reconfigure({ rateLimiter: change })
          // The stored permits stay, up to the new burst.
          expect(Number(status(s)['available'])).toBeLessThanOrEqual(change.burst)
        }
        await clock.advance('1h')
        expect(started + refused).toBe(calls)
      }),
      { numRuns: 300 },
    )
  })

  test.each(['name', 'algorithm', 'perKey'])('%s cannot change', (option) => {
    const s = shield('s', rateLimiter({ limit: 1, per: '1s' }))
    expect(() => s.reconfigure({ rateLimiter: { [option]: undefined } })).toThrow(`rateLimiter.${option}`)
  })
})

describe('cache', () => {
  test('new times apply to stored values, and a lower maxEntries evicts the oldest', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, cache<number>({ ttl: '1h', maxEntries: 10 }))
    let runs = 0
    const load = (key: string): Promise<number> =>
      s.run(
        () => {
          runs += 1
          return runs
        },
        { key },
      )
    for (const key of ['a', 'b', 'c']) await load(key)
    s.reconfigure({ cache: { maxEntries: 2 } })
    expect(status(s)).toMatchObject({ entries: 2 })
    expect([await load('c'), await load('a')]).toEqual([3, 4])
    await clock.advance('1m')
    s.reconfigure({ cache: { ttl: '30s' } })
    expect(await load('c')).toBe(5)
    expect(() => s.reconfigure({ cache: { ttl: 0 } })).toThrow('cache.ttl')
  })
})

describe('hedge', () => {
  test('new calls have the new delay, running ones keep theirs', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: '1s' }))
    const attempts: string[] = []
    const never = (name: string): Promise<unknown> =>
      s.run(() => {
        attempts.push(`${name} ${clock.now()}`)
        return new Promise(() => {})
      })
    void never('old')
    s.reconfigure({ hedge: { after: '100ms', maxHedges: 2 } })
    void never('new')
    await clock.advance('2s')
    expect(attempts).toEqual(['old 0', 'new 0', 'new 100', 'new 200', 'old 1000'])
  })

  test('a quantile keeps its samples, unless it or its window changes', async () => {
    const clock = virtualClock()
    const after = { quantile: 0.5, initial: 500 }
    const s = shield({ name: 's', clock }, hedge({ after }))
    for (let n = 0; n < 30; n += 1) {
      const call = s.run(() => new Promise<void>((resolve) => void clock.setTimer(resolve, 10)))
      await clock.advance(10)
      await call
    }
    expect(status(s)['delayMs']).toBeCloseTo(10, 0)
    s.reconfigure({ hedge: { maxHedges: 2 } })
    expect(status(s)['delayMs']).toBeCloseTo(10, 0)
    s.reconfigure({ hedge: { after: { ...after, window: '1m' } } })
    expect(status(s)['delayMs']).toBe(500)
  })

  test('refuses a budget of another clock', () => {
    const budget = retryBudget()
    shield('elsewhere', hedge({ after: 1, budget }))
    const s = shield({ name: 's', clock: virtualClock() }, hedge({ after: 1 }))
    expect(() => s.reconfigure({ hedge: { budget } })).toThrow('hedge.budget')
  })
})

test('fallback: `when` and `classify` change', async () => {
  const s = shield('s', fallback(0))
  s.reconfigure({ fallback: { when: () => false } })
  await expect(s.run(fail)).rejects.toThrow('down')
  s.reconfigure({ fallback: { when: undefined, classify: () => 'failure' } })
  expect(await s.run(() => 42)).toBe(0)
})

test('adaptiveThrottle: the counts stay, unless the window changes', async () => {
  const s = shield('s', adaptiveThrottle({ k: 2 }))
  for (let n = 0; n < 3; n += 1) await s.run(() => n)
  s.reconfigure({ adaptiveThrottle: { k: 1 } })
  expect(status(s)).toMatchObject({ requests: 3, accepts: 3 })
  s.reconfigure({ adaptiveThrottle: { window: '1m' } })
  expect(status(s)).toMatchObject({ requests: 0, accepts: 0 })
})

test('adaptiveLimiter: the limit continues from its value, within the new bounds', async () => {
  const s = shield('s', adaptiveLimiter({ initial: 50, max: 100 }))
  s.reconfigure({ adaptiveLimiter: { algorithm: aimd({ timeout: '1s' }) } })
  expect(status(s)).toMatchObject({ limit: 50 })
  const held = s.run(() => new Promise(() => {}))
  s.reconfigure({ adaptiveLimiter: { initial: undefined, max: 10 } })
  expect(status(s)).toMatchObject({ limit: 10, inFlight: 1 })
  s.reconfigure({ adaptiveLimiter: { initial: 7 } })
  expect(status(s)).toMatchObject({ limit: 7, inFlight: 1 })
  expect(held).toBeInstanceOf(Promise)
})

test('coalesce has no options that can change', () => {
  expect(() => shield('s', coalesce()).reconfigure({ coalesce: {} })).toThrow('no options that can change')
})
