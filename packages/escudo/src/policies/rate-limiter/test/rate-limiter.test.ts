import { types } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  fallback,
  isRefusal,
  rateLimiter,
  retry,
  shield,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { refusalOf, setUp } from './setup.ts'

describe('rateLimiter', () => {
  test('rejects without a permit, with an exact retryAfterMs: no call passes a moment earlier', async () => {
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
          const momentMs = (retryAfterMs as number) * 1e-9
          await clock.advance((retryAfterMs as number) - momentMs)
          const last = await refusalOf(s.run(() => 1))
          await clock.advance(last.retryAfterMs as number)
          expect(await s.run(() => 'passes')).toBe('passes')
        }
      }
    }
  })

  test('rejects with a native error that says what is allowed, and emits `rejected`', async () => {
    const { clock, s } = setUp({ limit: 1, per: '1m', name: 'mail' })
    const events: unknown[] = []
    s.on('rejected', (event) => events.push(event))
    await s.run(() => 1)
    await clock.advance('15s')
    const error = await refusalOf(s.run(() => 2))
    expect([types.isNativeError(error), isRefusal(error)]).toEqual([true, true])
    expect(error).toMatchObject({ code: 'RATE_LIMITED', shield: 's', policy: 'mail', retryAfterMs: 45_000 })
    expect(error.message).toBe("'s' is not called for now: 1 calls per 60000 ms are allowed (mail)")
    expect(events).toEqual([{ shield: 's', policy: 'mail', code: 'RATE_LIMITED', retryAfterMs: 45_000 }])
  })

  test('runs the operation in the same tick if there is a permit, and sets no timer', () => {
    const { clock, s } = setUp({ limit: 1, per: '1s', maxWait: '1s' })
    let ran = false
    void s.run(() => {
      ran = true
    })
    expect([ran, clock.pending]).toEqual([true, 0])
  })

  test('a token bucket stores up to `burst` permits and refills at a steady rate', async () => {
    const { clock, call, status } = setUp({ limit: 10, per: '1s', burst: 2 })
    expect(status()).toEqual({ available: 2 })
    expect([await call('a'), await call('b'), await call('c')]).toEqual(['a', 'b', 'RATE_LIMITED'])
    await clock.advance(100)
    expect([await call('d'), await call('e')]).toEqual(['d', 'RATE_LIMITED'])
    await clock.advance('1h')
    expect(status()).toEqual({ available: 2 })
  })

  test('uses a permit when it calls the operation, whatever its outcome', async () => {
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

  test('uses no permit if the signal is aborted before the call', async () => {
    const { call, status } = setUp({ limit: 1, per: '1s' })
    expect(await call('a', { signal: AbortSignal.abort('gone') })).toBe('gone')
    expect(status()).toEqual({ available: 1 })
  })

  test('shares its limit between two shields', async () => {
    const clock = virtualClock()
    const limit = rateLimiter({ limit: 1, per: '1s' })
    const [first, second] = [shield({ name: 'first', clock }, limit), shield({ name: 'second', clock }, limit)]
    await first.run(() => 1)
    await expect(second.run(() => 1)).rejects.toMatchObject({ code: 'RATE_LIMITED', shield: 'second' })
  })
})

describe('the refusal of a rate limiter', () => {
  test('is ignored by an outer breaker, because it says nothing about the dependency', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, breaker, rateLimiter({ limit: 1, per: '1h' }))
    await s.run(() => 1)
    for (let n = 0; n < 10; n += 1) await refusalOf(s.run(() => 1))
    expect(breaker.state).toBe('closed')
    expect(s.status().policies[0]).toMatchObject({ calls: 1, failures: 0 })
  })

  test('is retried only if its retryAfterMs fits into the next delay', async () => {
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

  test('is replaced by a fallback', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, fallback('later'), rateLimiter({ limit: 1, per: '1h' }))
    expect([await s.run(() => 'now'), await s.run(() => 'now')]).toEqual(['now', 'later'])
  })

  test('has a stack only if the shield has `stacks: true`', async () => {
    for (const stacks of [true, false]) {
      const s = shield({ name: 's', clock: virtualClock(), stacks }, rateLimiter({ limit: 1, per: '1h' }))
      await s.run(() => 1)
      expect((await refusalOf(s.run(() => 1))).stack?.includes('rate-limiter')).toBe(stacks)
    }
  })
})

test('emits `executed` with the outcomes admitted, admitted_after_wait and aborted', async () => {
  const { clock, s, call } = setUp({ limit: 1, per: 100, maxWait: 200 })
  const events: unknown[] = []
  s.on('executed', ({ policyType, outcome }) => events.push([policyType, outcome]))
  const controller = new AbortController()
  const calls = [call('a'), call('b'), call('c', { signal: controller.signal })]
  controller.abort('gone')
  await clock.advance('1s')
  await Promise.all(calls)
  expect(events).toEqual([
    ['rateLimiter', 'admitted'],
    ['rateLimiter', 'aborted'],
    ['rateLimiter', 'admitted_after_wait'],
  ])
})
