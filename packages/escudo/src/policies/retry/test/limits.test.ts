import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  explain,
  exponential,
  retry,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const DOWN = new Error('down')

function counting() {
  const operation = vi.fn((): Promise<never> => Promise.reject(DOWN))
  const calls = (): number => operation.mock.calls.length
  return { operation, calls }
}

describe("the caller's abort", () => {
  test('during the delay settles the call immediately with its reason; nothing is called again', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 5, backoff: constant('1h') }))
    const { operation, calls } = counting()
    const controller = new AbortController()
    const call = s.run(operation, { signal: controller.signal })
    await clock.advance('1s')
    expect(calls()).toBe(1)
    const reason = { gone: true }
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    expect(clock.now()).toBe(1_000)
    await clock.advance('10h')
    expect(calls()).toBe(1)
    expect(clock.pending).toBe(0)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test('during an attempt ends the retries, even if the operation rejects with another error', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 5, backoff: constant(0) }))
    const controller = new AbortController()
    let calls = 0
    const call = s.run(
      ({ signal }) => {
        calls += 1
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(DOWN)))
      },
      { signal: controller.signal },
    )
    controller.abort('gone')
    await expect(call).rejects.toBe('gone')
    await clock.advance('1h')
    expect(calls).toBe(1)
    expect(s.status().policies[0]).toMatchObject({ retries: 0, exhausted: 0 })
  })

  test('in a listener of `retry` ends the call without a delay or another attempt', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 5, backoff: constant('1h') }))
    const { operation, calls } = counting()
    const controller = new AbortController()
    s.on('retry', () => controller.abort('gone'))
    await expect(s.run(operation, { signal: controller.signal })).rejects.toBe('gone')
    await clock.advance('10h')
    expect([calls(), clock.pending]).toEqual([1, 0])
  })

  test('during the delay also ends it for inner policies: they receive no further call', async () => {
    const clock = virtualClock()
    let innerCalls = 0
    const inside = definePolicy({
      name: 'inside',
      wrap: (next) => (call, operation) => {
        innerCalls += 1
        return next(call, operation)
      },
    })
    const s = shield({ name: 's', clock }, retry({ maxRetries: 5, backoff: constant('1s') }), inside)
    const controller = new AbortController()
    const call = s.run(counting().operation, { signal: controller.signal })
    await clock.advance(1)
    controller.abort('gone')
    await expect(call).rejects.toBe('gone')
    await clock.advance('1h')
    expect(innerCalls).toBe(1)
  })

  test('in the same tick as the end of the delay has one outcome and no extra call', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 1, backoff: constant(100) }))
    const { operation, calls } = counting()
    const controller = new AbortController()
    clock.setTimer(() => controller.abort('gone'), 100)
    const call = s.run(operation, { signal: controller.signal }).catch((error) => error)
    await clock.advance(100)
    expect(await call).toBe('gone')
    expect(calls()).toBe(1)
  })
})

describe('time limits', () => {
  test('no retry starts later than maxTotal after the start of the first attempt', async () => {
    for (const [maxTotal, expected] of [
      [250, 3],
      [200, 3],
      [199, 2],
      [0, 1],
    ] as const) {
      const clock = virtualClock()
      const s = shield({ name: 's', clock }, retry({ maxRetries: 9, backoff: constant(100), maxTotal }))
      const { operation, calls } = counting()
      const call = s.run(operation).catch((error) => error)
      await clock.advance('1h')
      expect(await call).toBe(DOWN)
      expect(calls()).toBe(expected)
    }
  })

  test('maxTotal includes the duration of the attempts', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 9, backoff: constant(10), maxTotal: 150 }))
    let calls = 0
    const call = s
      .run(
        () =>
          new Promise((_, reject) => {
            calls += 1
            clock.setTimer(() => reject(DOWN), 100)
          }),
      )
      .catch(() => {})
    await clock.advance('1h')
    await call
    expect(calls).toBe(2)
  })

  test('rejects immediately if the next retry could not start before the deadline', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 9, backoff: constant('2s') }))
    const { operation, calls } = counting()
    const call = s.run(operation, { deadline: '5s' }).catch((error) => error)
    await clock.advance('4s')
    expect(await call).toBe(DOWN)
    expect(calls()).toBe(3)
    expect(clock.now()).toBe(4_000)
    expect(clock.pending).toBe(0)
  })

  test('makes no retry that would start at the exact instant of the deadline', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 9, backoff: constant('2s') }))
    const { operation, calls } = counting()
    await expect(s.run(operation, { deadline: '2s' })).rejects.toBe(DOWN)
    expect([calls(), clock.now(), clock.pending]).toEqual([1, 0, 0])
  })

  test('an outer timeout is a deadline too: makes no retry that could not start before it', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('3s'), retry({ maxRetries: 9, backoff: constant('2s') }))
    const { operation, calls } = counting()
    const call = s.run(operation).catch((error) => error)
    await clock.advance('2s')
    expect(await call).toBe(DOWN)
    expect(calls()).toBe(2)
  })

  test('the deadline cancels an attempt that ignores its signal; it is not retried', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 9, backoff: constant(0) }))
    let calls = 0
    const call = s
      .run(
        () => {
          calls += 1
          return new Promise(() => {})
        },
        { deadline: '5s' },
      )
      .catch((error) => error.code)
    await clock.advance('5s')
    expect(await call).toBe('DEADLINE_EXCEEDED')
    await clock.advance('1h')
    expect(calls).toBe(1)
  })
})

describe('a refusal by an inner policy', () => {
  async function openInside(openFor: '1s' | '10s', backoffMs: number) {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor })
    const s = shield({ name: 's', clock }, retry({ maxRetries: 3, backoff: constant(backoffMs) }), breaker)
    await s.run(() => Promise.reject(DOWN), { deadline: 1 }).catch(() => {})
    expect(breaker.state).toBe('open')
    return { clock, s, breaker }
  }

  test('ends the retries immediately if its hint is longer than the next delay', async () => {
    const { clock, s } = await openInside('10s', 500)
    const operation = vi.fn()
    await expect(s.run(operation)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 10_000 })
    expect(operation).not.toHaveBeenCalled()
    expect(clock.now()).toBe(0)
    expect(s.status().policies[0]).toMatchObject({ retries: 0 })
  })

  test('is retried after the next delay if its hint is shorter', async () => {
    const { clock, s } = await openInside('1s', 1_500)
    const answer = s.run(() => 'back')
    await clock.advance(1_499)
    expect(s.status().policies[0]).toMatchObject({ retries: 1 })
    await clock.advance(1)
    expect(await answer).toBe('back')
  })

  test('is retried if its hint is exactly as long as the next delay', async () => {
    const { clock, s } = await openInside('1s', 1_000)
    const answer = s.run(() => 'back').catch((error) => error.code)
    await clock.advance(1_000)
    expect(await answer).toBe('back')
  })

  test('is not retried without a hint: a full bulkhead, an isolated circuit', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker()
    const full = shield({ name: 'full', clock }, retry({ backoff: constant(1) }), bulkhead({ limit: 1 }))
    void full.run(() => new Promise(() => {}))
    await expect(full.run(() => 1)).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    breaker.isolate()
    const isolated = shield({ name: 'isolated', clock }, retry({ backoff: constant('1h') }), breaker)
    await expect(isolated.run(() => 1)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
    expect(clock.now()).toBe(0)
  })

  test('ends the retries after an attempt that opened the circuit', async () => {
    const clock = virtualClock()
    const s = shield(
      { name: 's', clock, random: () => 0.5 },
      retry({ maxRetries: 5, backoff: exponential({ base: 100 }) }),
      circuitBreaker({ trip: consecutive(2), openFor: '1h' }),
    )
    const { operation, calls } = counting()
    const call = s.run(operation).catch((error) => error)
    await clock.advance('1s')
    expect(await call).toMatchObject({ code: 'CIRCUIT_OPEN' })
    expect(calls()).toBe(2)
  })
})

test('a breaker inside counts every attempt; a breaker outside counts one call', async () => {
  for (const [order, failures] of [
    ['inside', 3],
    ['outside', 1],
  ] as const) {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(9) })
    const retrying = retry({ maxRetries: 2, backoff: constant(1) })
    const s =
      order === 'inside'
        ? shield({ name: 's', clock }, retrying, breaker)
        : shield({ name: 's', clock }, breaker, retrying)
    const call = s.run(() => Promise.reject(DOWN)).catch(() => {})
    await clock.advance('1s')
    await call
    expect(s.status().policies.find(({ type }) => type === 'circuitBreaker')).toMatchObject({ failures })
  }
})

test('an attempt that an outer timeout cancels is not retried, and its note says so', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, timeout('1s'), retry({ backoff: constant(1) }))
  const error = s.run(() => new Promise(() => {})).catch((thrown) => thrown)
  await clock.advance('1s')
  expect(explain(await error)?.policies[1]).toMatchObject({ name: 'retry', state: 'cancelled' })
  expect(s.status().policies[1]).toMatchObject({ calls: 1, retries: 0 })
})
