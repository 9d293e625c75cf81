import { getEventListeners } from 'node:events'
import { types } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  fallback,
  isRefusal,
  RateLimitedError,
  type RateLimiterOptions,
  rateLimiter,
  retry,
  shield,
  timeout,
} from '../index.ts'
import { ALGORITHMS } from '../mechanisms/rate-limit.harness.ts'
import { virtualClock } from '../testing/virtual-clock.ts'

function setUp(options: RateLimiterOptions) {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, rateLimiter(options))
  const started: [name: string, atMs: number][] = []
  /** A call; gives its name, or the code of its refusal, or the reason of its abort. */
  const call = (name: string, more?: Parameters<typeof s.run>[1]): Promise<unknown> =>
    s
      .run(() => {
        started.push([name, clock.now()])
        return name
      }, more)
      .catch((error) => error?.code ?? error)
  const status = (): Record<string, unknown> => {
    const { name: _name, type: _type, ...rest } = s.status().policies[0] as Record<string, unknown>
    return rest
  }
  return { clock, s, call, started, status }
}

const refusalOf = async (call: Promise<unknown>): Promise<RateLimitedError> => {
  const error = await call.catch((thrown) => thrown)
  expect(error).toBeInstanceOf(RateLimitedError)
  return error as RateLimitedError
}

describe('a rate limiter refuses at once what it has no permit for', () => {
  test('and says exactly when to come back: at that instant a call passes, a hair before it does not', async () => {
    for (const algorithm of ['tokenBucket', 'slidingWindow'] as const) {
      for (const [limit, per] of [
        [3, '1s'],
        [7, '1s'],
        [1, 0.1],
        [1000, '1h'],
      ] as const) {
        const { clock, s } = setUp({ limit, per, algorithm })
        await clock.advance(1_234.567)
        for (let n = 0; n < 5; n += 1) {
          while (s.status().policies[0]?.['available'] !== 0) await s.run(() => 1)
          const { retryAfterMs } = await refusalOf(s.run(() => 1))
          const hairMs = (retryAfterMs as number) * 1e-9
          await clock.advance((retryAfterMs as number) - hairMs)
          const last = await refusalOf(s.run(() => 1))
          await clock.advance(last.retryAfterMs as number)
          expect(await s.run(() => 'passes')).toBe('passes')
        }
      }
    }
  })

  test('with a real error that says what is allowed, and is told as rejected', async () => {
    const { clock, s } = setUp({ limit: 1, per: '1m', name: 'mail' })
    const heard: unknown[] = []
    s.on('rejected', (event) => heard.push(event))
    await s.run(() => 1)
    await clock.advance('15s')
    const error = await refusalOf(s.run(() => 2))
    expect([types.isNativeError(error), isRefusal(error)]).toEqual([true, true])
    expect(error).toMatchObject({ code: 'RATE_LIMITED', shield: 's', policy: 'mail', retryAfterMs: 45_000 })
    expect(error.message).toBe("'s' is not called for now: 1 calls per 60000 ms are allowed (mail)")
    expect(heard).toEqual([{ shield: 's', policy: 'mail', code: 'RATE_LIMITED', retryAfterMs: 45_000 }])
  })

  test('the operation runs at once and in the same tick where there is a permit, and no timer is set', () => {
    const { clock, s } = setUp({ limit: 1, per: '1s', maxWait: '1s' })
    let ran = false
    void s.run(() => {
      ran = true
    })
    expect([ran, clock.pending]).toEqual([true, 0])
  })

  test('a token bucket keeps up to burst permits, and more come evenly', async () => {
    const { clock, call, status } = setUp({ limit: 10, per: '1s', burst: 2 })
    expect(status()).toEqual({ available: 2 })
    expect([await call('a'), await call('b'), await call('c')]).toEqual(['a', 'b', 'RATE_LIMITED'])
    await clock.advance(100)
    expect([await call('d'), await call('e')]).toEqual(['d', 'RATE_LIMITED'])
    await clock.advance('1h')
    expect(status()).toEqual({ available: 2 })
  })

  test('a permit is used when the operation is called, whatever comes of it', async () => {
    const { s, status } = setUp({ limit: 3, per: '1s' })
    await s.run(() => Promise.reject('down')).catch(() => {})
    await s
      .run(() => {
        throw undefined
      })
      .catch(() => {})
    await s.run(() => ({ then: (done: (value: number) => void) => done(1) }) as never)
    expect(status()).toEqual({ available: 0 })
  })

  test('a signal that is aborted before the call takes no permit', async () => {
    const { call, status } = setUp({ limit: 1, per: '1s' })
    expect(await call('a', { signal: AbortSignal.abort('gone') })).toBe('gone')
    expect(status()).toEqual({ available: 1 })
  })

  test('one rate limiter in two shields is one limit', async () => {
    const clock = virtualClock()
    const limit = rateLimiter({ limit: 1, per: '1s' })
    const [one, other] = [shield({ name: 'one', clock }, limit), shield({ name: 'other', clock }, limit)]
    await one.run(() => 1)
    await expect(other.run(() => 1)).rejects.toMatchObject({ code: 'RATE_LIMITED', shield: 'other' })
  })
})

describe('a rate limiter with maxWait', () => {
  test('lets calls wait for their permits in the order of coming, and refuses who would wait longer', async () => {
    const { clock, call, started, status } = setUp({ limit: 10, per: '1s', burst: 1, maxWait: 300 })
    const calls = ['a', 'b', 'c', 'd', 'e'].map((name) => call(name))
    expect(status()).toEqual({ available: 0, queued: 3 })
    expect(await calls[4]).toBe('RATE_LIMITED')
    await clock.advance('1s')
    expect(started).toEqual([
      ['a', 0],
      ['b', 100],
      ['c', 200],
      ['d', 300],
    ])
    expect([status(), clock.pending]).toEqual([{ available: 1, queued: 0 }, 0])
  })

  test('a refusal says when a call is let into the line', async () => {
    const { clock, s, call } = setUp({ limit: 3, per: '1s', burst: 1, maxWait: 500 })
    for (const name of ['a', 'b']) void call(name)
    const { retryAfterMs } = await refusalOf(s.run(() => 1))
    expect(retryAfterMs).toBeCloseTo(1_000 / 1.5 - 500)
    await clock.advance((retryAfterMs as number) - 1e-6)
    await refusalOf(s.run(() => 1))
    await clock.advance(1e-6)
    const admitted = call('c')
    await clock.advance(500)
    expect(await admitted).toBe('c')
  })

  test('a call that could not begin before its deadline is refused at once', async () => {
    const { clock, s, call, status } = setUp({ limit: 10, per: '1s', burst: 1, maxWait: '1m' })
    void call('a')
    expect(await call('b', { deadline: 100 })).toBe('RATE_LIMITED')
    const error = await refusalOf(s.run(() => 1, { deadline: 50 }))
    expect([error.retryAfterMs, status()]).toEqual([100, { available: 0, queued: 0 }])
    const inTime = call('c', { deadline: 101 })
    await clock.advance(100)
    expect(await inTime).toBe('c')
    // A timeout further out is a deadline too.
    const timed = shield(
      { name: 't', clock },
      timeout(150),
      rateLimiter({ limit: 10, per: '1s', burst: 1, maxWait: '1m' }),
    )
    const outcomes = [1, 2, 3].map((n) => timed.run(() => n).catch((thrown) => thrown.code))
    await clock.advance(0)
    expect(await outcomes[2]).toBe('RATE_LIMITED')
    await clock.advance(100)
    expect(await Promise.all(outcomes)).toEqual([1, 2, 'RATE_LIMITED'])
  })

  test('who gives up leaves at once with its own reason, and all behind move up', async () => {
    const { clock, call, started, status } = setUp({ limit: 10, per: '1s', burst: 1, maxWait: '1s' })
    const controller = new AbortController()
    void call('a')
    const aborted = [call('b', { signal: controller.signal }), call('c', { signal: controller.signal })]
    const rest = ['d', 'e'].map((name) => call(name))
    await clock.advance(50)
    controller.abort('gone')
    expect(await Promise.all(aborted)).toEqual(['gone', 'gone'])
    expect(status()).toEqual({ available: 0, queued: 2 })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    await clock.advance(150)
    expect(await Promise.all(rest)).toEqual(['d', 'e'])
    expect(started).toEqual([
      ['a', 0],
      ['d', 100],
      ['e', 200],
    ])
    expect(clock.pending).toBe(0)
  })

  test('the last waiter that gives up takes the timer with it', async () => {
    const { clock, call } = setUp({ limit: 1, per: '1h', maxWait: '2h' })
    const controller = new AbortController()
    void call('a')
    const aborted = call('b', { signal: controller.signal })
    expect(clock.pending).toBe(1)
    controller.abort('gone')
    expect([await aborted, clock.pending]).toEqual(['gone', 0])
  })

  test('a waiter that is aborted anywhere between its permit and its run gives the permit on: none is lost', async () => {
    const gaveOn: boolean[] = []
    for (const algorithm of ['tokenBucket', 'slidingWindow'] as const) {
      for (let microtasks = 0; microtasks < 20; microtasks += 1) {
        const clock = virtualClock()
        const controller = new AbortController()
        const giveUp = async (): Promise<void> => {
          for (let n = 0; n < microtasks; n += 1) await undefined
          controller.abort('gone')
        }
        // In the very run of microtasks that the limiter's timer begins.
        const setTimer: typeof clock.setTimer = (fire, delayMs) =>
          clock.setTimer(() => {
            fire()
            void giveUp()
          }, delayMs)
        const s = shield(
          { name: 's', clock: { now: clock.now, setTimer } },
          rateLimiter({ limit: 1, per: 100, algorithm, maxWait: '1s' }),
        )
        const started: [name: string, atMs: number][] = []
        const call = (name: string, signal?: AbortSignal): Promise<unknown> =>
          s.run(() => started.push([name, clock.now()]), { signal }).catch((error) => error)
        void call('a')
        const aborted = call('b', controller.signal)
        const next = call('c')
        await clock.advance(100)
        const ran = started.some(([name]) => name === 'b')
        gaveOn.push(!ran)
        if (!ran) expect(await aborted).toBe('gone')
        // Either b used the permit, or c has it at the very same instant.
        expect(started[1]).toEqual([ran ? 'b' : 'c', 100])
        await clock.advance(ran ? 100 : 0)
        expect(await next).toBe(ran ? 3 : 2)
        expect(clock.pending).toBe(0)
      }
    }
    expect([gaveOn.includes(true), gaveOn.includes(false)]).toEqual([true, true])
  })

  test('a newcomer does not overtake those who wait, also where the timer is late', async () => {
    let nowMs = 0
    const timers: (() => void)[] = []
    const clock = {
      now: () => nowMs,
      setTimer(fire: () => void): () => void {
        timers.push(fire)
        return () => void timers.splice(timers.indexOf(fire), 1)
      },
    }
    const s = shield({ name: 's', clock }, rateLimiter({ limit: 10, per: '1s', burst: 2, maxWait: '1s' }))
    const started: string[] = []
    const call = (name: string): Promise<unknown> => s.run(() => started.push(name)).catch((error) => error.code)
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) void call(name)
    // Blocked: two permits are due, and no timer has fired.
    nowMs = 200
    void call('newcomer')
    await new Promise((resume) => setImmediate(resume))
    expect(started).toEqual(['a', 'b', 'c', 'd'])
    nowMs = 30_000
    timers[0]?.()
    await new Promise((resume) => setImmediate(resume))
    // A blocked event loop gives no burst of credit: two at once, the rest would come too late.
    expect(started).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    expect(s.status().policies[0]).toMatchObject({ available: 0, queued: 0 })
  })

  test('a listener that throws, and one that calls again, change nothing', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { clock, s, call, started } = setUp({ limit: 1, per: 100, maxWait: 100 })
    let again: Promise<unknown> | undefined
    s.on('rejected', () => {
      again ??= call('again')
      throw new Error('listener')
    })
    const calls = ['a', 'b', 'c'].map((name) => call(name))
    await clock.advance('1s')
    expect([await Promise.all(calls), await again]).toEqual([['a', 'b', 'RATE_LIMITED'], 'RATE_LIMITED'])
    expect(started.length).toBe(2)
    warnings.mockRestore()
  })

  test('a call from inside of an operation waits as any other', async () => {
    const { clock, s, call } = setUp({ limit: 1, per: 100, maxWait: 100 })
    const outer = s.run(async () => await call('inner'))
    await clock.advance(100)
    expect(await outer).toBe('inner')
  })

  test('100 000 calls that pass, wait, give up and are refused leave no listener, timer or permit behind', async () => {
    const { clock, s, call, status } = setUp({ limit: 100, per: '1s', burst: 10, maxWait: 200 })
    const controller = new AbortController()
    let settled = 0
    for (let round = 0; round < 100; round += 1) {
      const giveUp = new AbortController()
      for (let n = 0; n < 1_000; n += 1) {
        const signal = n % 3 === 0 ? giveUp.signal : controller.signal
        void call('x', { signal, deadline: '1s' }).then(() => {
          settled += 1
        })
      }
      giveUp.abort('gone')
      await clock.advance(250)
      expect(getEventListeners(giveUp.signal, 'abort')).toEqual([])
    }
    expect(settled).toBe(100_000)
    expect([getEventListeners(controller.signal, 'abort'), clock.pending]).toEqual([[], 0])
    await clock.advance('1s')
    expect(status()).toEqual({ available: 10, queued: 0 })
    void s
  })
})

describe.each(ALGORITHMS)('against an exact oracle under the virtual clock, $name', ({ allows, name }) => {
  test('starts no call that breaks the rule, and keeps to the order, whatever comes, waits and gives up', async () => {
    const algorithm = name.startsWith('token') ? 'tokenBucket' : 'slidingWindow'
    const arrivals = fc.array(
      fc.record({
        afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 400 })),
        giveUpAfterMs: fc.option(fc.integer({ min: 0, max: 100 }), { freq: 3, nil: undefined }),
      }),
      { maxLength: 60, size: 'max' },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          limit: fc.integer({ min: 1, max: 6 }),
          everyMs: fc.integer({ min: 1, max: 30 }),
          burst: fc.integer({ min: 1, max: 6 }),
          maxWaitMs: fc.constantFrom(0, 50, 200),
        }),
        arrivals,
        async ({ limit, everyMs, burst, maxWaitMs }, todo) => {
          const how = { limit, perMs: limit * everyMs, burst }
          const { clock, s } = setUp({
            limit,
            per: how.perMs,
            maxWait: maxWaitMs,
            algorithm,
            ...(algorithm === 'tokenBucket' ? { burst } : {}),
          })
          const started: number[] = []
          const order: number[] = []
          const calls: Promise<unknown>[] = []
          for (const [number, { afterMs, giveUpAfterMs }] of todo.entries()) {
            await clock.advance(afterMs)
            const controller = new AbortController()
            if (giveUpAfterMs !== undefined) clock.setTimer(() => controller.abort('gone'), giveUpAfterMs)
            const cameMs = clock.now()
            const operation = (): void => {
              const now = clock.now()
              expect(allows(started, now, how)).toBe(true)
              expect(now - cameMs).toBeLessThanOrEqual(maxWaitMs)
              started.push(now)
              order.push(number)
            }
            const outcome = s.run(operation, { signal: controller.signal }).then(
              () => 'ran',
              (error) => {
                if (error !== 'gone' && error?.code !== 'RATE_LIMITED') throw error
              },
            )
            calls.push(outcome)
          }
          await clock.advance('1h')
          await Promise.all(calls)
          expect(order).toEqual([...order].sort((one, other) => one - other))
          expect(s.status().policies[0]).toMatchObject({ available: algorithm === 'tokenBucket' ? burst : limit })
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a rate limiter per key', () => {
  test('keeps keys apart, __proto__ and no key included', async () => {
    const { call, status } = setUp({ limit: 1, per: '1s', perKey: {} })
    for (const key of ['a', 'b', '__proto__', 'constructor', undefined]) {
      expect([key, await call('first', { key }), await call('second', { key })]).toEqual([key, 'first', 'RATE_LIMITED'])
    }
    expect(status()).toEqual({ available: 0, keys: 5 })
  })

  test('without perKey all keys share one limit', async () => {
    const { call, status } = setUp({ limit: 1, per: '1s' })
    expect([await call('a', { key: 'a' }), await call('b', { key: 'b' })]).toEqual(['a', 'RATE_LIMITED'])
    expect(status()).toEqual({ available: 0 })
  })

  test('a million keys stay bounded', async () => {
    const { s, status } = setUp({ limit: 1, per: '1s', perKey: { maxKeys: 100 } })
    for (let n = 0; n < 1_000_000; n += 1) await s.run(() => n, { key: `key ${n}` })
    expect(status()).toEqual({ available: 1, keys: 100 })
    await refusalOf(s.run(() => 1, { key: 'key 999999' }))
  })

  test('a key for which calls wait outlives all others; when it waits no more it may go', async () => {
    const { clock, call, status } = setUp({ limit: 1, per: 100, maxWait: 100, perKey: { maxKeys: 2 } })
    void call('a', { key: 'waits' })
    const waiter = call('b', { key: 'waits' })
    for (let n = 0; n < 1_000; n += 1) void call('x', { key: `key ${n}` })
    expect(status()).toEqual({ available: 1, keys: 2, queued: 1 })
    expect(await call('c', { key: 'waits' })).toBe('RATE_LIMITED')
    await clock.advance(100)
    expect(await waiter).toBe('b')
    for (let n = 0; n < 2; n += 1) void call('x', { key: `key ${n}` })
    expect(await call('d', { key: 'waits' })).toBe('d')
  })

  test('where calls wait for all keys, a forgotten one still serves its own', async () => {
    const { clock, call, status } = setUp({ limit: 1, per: 100, maxWait: 200, perKey: { maxKeys: 1 } })
    const calls = ['a', 'b', 'a'].flatMap((key, index) => [1, 2].map((n) => call(`${key}${index}${n}`, { key })))
    expect(status()).toEqual({ available: 1, keys: 1, queued: 3 })
    await clock.advance(100)
    expect(await Promise.all(calls)).toEqual(['a01', 'a02', 'b11', 'b12', 'a21', 'a22'])
    expect([status(), clock.pending]).toEqual([{ available: 1, keys: 1, queued: 0 }, 0])
  })

  test('looking at the status makes no key', () => {
    const { status } = setUp({ limit: 7, per: '1s', perKey: {} })
    expect([status(), status()]).toEqual(Array.from({ length: 2 }, () => ({ available: 7, keys: 0 })))
  })
})

describe('a refusal by a rate limiter', () => {
  test('is ignored by a breaker further out: our own limit says nothing about the dependency', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, breaker, rateLimiter({ limit: 1, per: '1h' }))
    await s.run(() => 1)
    for (let n = 0; n < 10; n += 1) await refusalOf(s.run(() => 1))
    expect(breaker.state).toBe('closed')
    expect(s.status().policies[0]).toMatchObject({ calls: 1, failures: 0 })
  })

  test('is retried when its retryAfterMs fits into the next delay, and not otherwise', async () => {
    const clock = virtualClock()
    const s = shield(
      { name: 's', clock },
      retry({ maxRetries: 1, backoff: constant(100) }),
      rateLimiter({ limit: 1, per: 100 }),
      bulkhead({ limit: 5 }),
    )
    await s.run(() => 1)
    const second = s.run(() => 2)
    await clock.advance(100)
    expect(await second).toBe(2)
    const slower = shield({ name: 't', clock }, retry({ backoff: constant(100) }), rateLimiter({ limit: 1, per: 101 }))
    await slower.run(() => 1)
    await refusalOf(slower.run(() => 2))
  })

  test('is what a fallback stands in for', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, fallback('later'), rateLimiter({ limit: 1, per: '1h' }))
    expect([await s.run(() => 'now'), await s.run(() => 'now')]).toEqual(['now', 'later'])
  })

  test('has a stack only where the shield is told to', async () => {
    for (const stacks of [true, false]) {
      const s = shield({ name: 's', clock: virtualClock(), stacks }, rateLimiter({ limit: 1, per: '1h' }))
      await s.run(() => 1)
      expect((await refusalOf(s.run(() => 1))).stack?.includes('rate-limiter')).toBe(stacks)
    }
  })
})

test('tells what it made of each call: admitted, admitted after a wait, aborted', async () => {
  const { clock, s, call } = setUp({ limit: 1, per: 100, maxWait: 200 })
  const heard: unknown[] = []
  s.on('executed', ({ policyType, outcome }) => heard.push([policyType, outcome]))
  const controller = new AbortController()
  const calls = [call('a'), call('b'), call('c', { signal: controller.signal })]
  controller.abort('gone')
  await clock.advance('1s')
  await Promise.all(calls)
  expect(heard).toEqual([
    ['rateLimiter', 'admitted'],
    ['rateLimiter', 'aborted'],
    ['rateLimiter', 'admitted_after_wait'],
  ])
})
