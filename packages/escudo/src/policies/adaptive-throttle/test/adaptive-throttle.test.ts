import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { WellKnown } from '../../../errors/catalogue/well-known.ts'
import {
  adaptiveThrottle,
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  RateLimitedError,
  retry,
  seededRandom,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { codeOf, down, setUp } from './setup.ts'

describe('adaptiveThrottle', () => {
  test('counts requests before the call and accepts after it', async () => {
    const { clock, s, counts } = setUp()
    expect(counts()).toEqual([0, 0, 0])
    let end: (value: number) => void = () => {}
    const call = s.run(
      () =>
        new Promise<number>((resolve) => {
          end = resolve
        }),
    )
    expect(counts()).toEqual([1, 0, 1 / 2])
    end(42)
    expect(await call).toBe(42)
    expect(counts()).toEqual([1, 1, 0])
    await clock.advance('2m')
    expect([counts(), clock.pending]).toEqual([[0, 0, 0], 0])
  })

  test('counts a call that it rejects as a request without an accept', async () => {
    const { s, counts } = setUp({}, () => 0)
    await codeOf(s.run(down))
    for (let n = 0; n < 9; n += 1) expect(await codeOf(s.run(() => 1))).toBe('RATE_LIMITED')
    expect(counts()).toEqual([10, 0, 10 / 11])
  })

  test('counts the verdicts success and ignored as accepts', async () => {
    const { s, counts } = setUp()
    const full = shield('full', bulkhead({ limit: 1 }))
    void full.run(() => new Promise(() => {}))
    const controller = new AbortController()
    await s.run(() => 1)
    await codeOf(s.run(() => Promise.reject(new WellKnown.ROUTE_NOT_FOUND())))
    await codeOf(s.run(() => full.run(() => 1)))
    const aborted = codeOf(s.run(() => new Promise(() => {}), { signal: controller.signal }))
    controller.abort('gone')
    expect([await aborted, counts()]).toEqual(['gone', [4, 4, 0]])
    await codeOf(s.run(down))
    await codeOf(
      s.run(() => {
        throw undefined
      }),
    )
    // A call after its deadline is no request.
    await codeOf(s.run(() => 1, { deadline: 0 }))
    expect(counts()).toEqual([6, 4, 0])
  })

  test('counts no accept for a call that a timeout cancels, even after a late success', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1s'), adaptiveThrottle())
    let end: (value: number) => void = () => {}
    const call = codeOf(
      s.run(
        () =>
          new Promise<number>((resolve) => {
            end = resolve
          }),
      ),
    )
    await clock.advance('1s')
    expect(await call).toBe('TIMEOUT')
    end(42)
    await clock.advance(0)
    expect(s.status().policies[1]).toMatchObject({ requests: 1, accepts: 0 })
  })

  test('counts an aborted call once, even if its operation settles later', async () => {
    const { clock, s, counts } = setUp()
    const controller = new AbortController()
    let end: (value: number) => void = () => {}
    const call = codeOf(
      s.run(
        () =>
          new Promise<number>((resolve) => {
            end = resolve
          }),
        { signal: controller.signal },
      ),
    )
    controller.abort('gone')
    expect([await call, counts()]).toEqual(['gone', [1, 1, 0]])
    end(42)
    await clock.advance(0)
    expect([counts(), getEventListeners(controller.signal, 'abort')]).toEqual([[1, 1, 0], []])
  })

  test('counts no request if the signal is aborted before the call', async () => {
    const { s, counts } = setUp()
    expect(await codeOf(s.run(() => 1, { signal: AbortSignal.abort('gone') }))).toBe('gone')
    expect(counts()).toEqual([0, 0, 0])
  })

  test('draws from the random source of the shield, and only if the probability is not 0', async () => {
    const numbers = [0.49, 0.51]
    let draws = 0
    const { s } = setUp({}, () => {
      draws += 1
      return numbers.shift() as number
    })
    await codeOf(s.run(down))
    expect(draws).toBe(0)
    // One request and no accept: rejected below one half.
    expect(await codeOf(s.run(() => 1))).toBe('RATE_LIMITED')
    // Two requests and no accept: rejected below two thirds.
    expect(await codeOf(s.run(() => 1))).toBe('RATE_LIMITED')
    expect(draws).toBe(2)
  })

  test('rejects with RateLimitedError without retryAfterMs, and emits `rejected`', async () => {
    const { s } = setUp({ name: 'book' }, () => 0)
    const events: unknown[] = []
    s.on('rejected', (event) => events.push(event))
    await codeOf(s.run(down))
    const error = await s.run(() => 1).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(RateLimitedError)
    expect(error).toMatchObject({ code: 'RATE_LIMITED', shield: 's', policy: 'book', retryAfterMs: undefined })
    expect(error.message).toBe("'s' is not called for now: it accepted 0 of 2 calls (book)")
    expect(events).toEqual([{ shield: 's', policy: 'book', code: 'RATE_LIMITED', retryAfterMs: undefined }])
  })

  test('its refusals are ignored by an outer breaker, and no retry waits for them', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(2) })
    const s = shield(
      { name: 's', clock, random: () => 0 },
      breaker,
      retry({ maxRetries: 5, backoff: constant(10) }),
      adaptiveThrottle(),
    )
    const call = codeOf(s.run(down))
    await clock.advance(10)
    expect(await call).toBe('RATE_LIMITED')
    for (let n = 0; n < 10; n += 1) await codeOf(s.run(() => 1))
    expect([breaker.state, clock.pending]).toEqual(['closed', 0])
  })

  test('leaves no listener or timer behind after 100 000 calls of all outcomes', async () => {
    const { clock, s } = setUp({ window: '1s' }, seededRandom(1))
    const controller = new AbortController()
    for (let n = 0; n < 100_000; n += 1) {
      await codeOf(s.run(n % 3 === 0 ? down : () => n, { signal: controller.signal, deadline: '1h' }))
      if (n % 100 === 0) await clock.advance(10)
    }
    expect([getEventListeners(controller.signal, 'abort'), clock.pending]).toEqual([[], 0])
  })

  test('emits `executed` with the outcome admitted', async () => {
    const { s } = setUp()
    const events: unknown[] = []
    s.on('executed', ({ policyType, outcome }) => events.push([policyType, outcome]))
    await s.run(() => 1)
    expect(events).toEqual([['adaptiveThrottle', 'admitted']])
  })
})
