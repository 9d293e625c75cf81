import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
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

describe('abort', () => {
  test('during backoff settles at once with the reason, and the operation is not called again', async () => {
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

  test('during an attempt ends the retries, also when the operation is deaf or rejects with something else', async () => {
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

  test('in the very listener that hears of the retry ends it: no delay, no further call', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 5, backoff: constant('1h') }))
    const { operation, calls } = counting()
    const controller = new AbortController()
    s.on('retry', () => controller.abort('gone'))
    await expect(s.run(operation, { signal: controller.signal })).rejects.toBe('gone')
    await clock.advance('10h')
    expect([calls(), clock.pending]).toEqual([1, 0])
  })

  test('during backoff is the end for the policies inside, too: they see no further call', async () => {
    const clock = virtualClock()
    let seen = 0
    const inside = definePolicy({
      name: 'inside',
      wrap: (next) => (call, operation) => {
        seen += 1
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
    expect(seen).toBe(1)
  })

  test('and the end of the delay in one tick have one outcome, and no call too many', async () => {
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
  test('maxTotal: no retry begins later than that after the first attempt began', async () => {
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

  test('maxTotal counts the time that the attempts themselves take', async () => {
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

  test("a retry that cannot begin before the call's deadline is not made: the error comes at once", async () => {
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

  test('a retry that would begin in the very instant of the deadline is not made either', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 9, backoff: constant('2s') }))
    const { operation, calls } = counting()
    await expect(s.run(operation, { deadline: '2s' })).rejects.toBe(DOWN)
    expect([calls(), clock.now(), clock.pending]).toEqual([1, 0, 0])
  })

  test('a timeout further out is a deadline too: nobody sleeps towards it', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('3s'), retry({ maxRetries: 9, backoff: constant('2s') }))
    const { operation, calls } = counting()
    const call = s.run(operation).catch((error) => error)
    await clock.advance('2s')
    expect(await call).toBe(DOWN)
    expect(calls()).toBe(2)
  })

  test('a deaf attempt under a deadline is cut off, and not tried again', async () => {
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

describe('a refusal from inside', () => {
  async function openInside(openFor: '1s' | '10s', backoffMs: number) {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor })
    const s = shield({ name: 's', clock }, retry({ maxRetries: 3, backoff: constant(backoffMs) }), breaker)
    await s.run(() => Promise.reject(DOWN), { deadline: 1 }).catch(() => {})
    expect(breaker.state).toBe('open')
    return { clock, s, breaker }
  }

  test('whose hint does not fit into the next delay ends the retries at once with the refusal', async () => {
    const { clock, s } = await openInside('10s', 500)
    const operation = vi.fn()
    await expect(s.run(operation)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 10_000 })
    expect(operation).not.toHaveBeenCalled()
    expect(clock.now()).toBe(0)
    expect(s.status().policies[0]).toMatchObject({ retries: 0 })
  })

  test('whose hint fits into the next delay is retried after that delay', async () => {
    const { clock, s } = await openInside('1s', 1_500)
    const answer = s.run(() => 'back')
    await clock.advance(1_499)
    expect(s.status().policies[0]).toMatchObject({ retries: 1 })
    await clock.advance(1)
    expect(await answer).toBe('back')
  })

  test('whose hint is just as long as the next delay fits', async () => {
    const { clock, s } = await openInside('1s', 1_000)
    const answer = s.run(() => 'back').catch((error) => error.code)
    await clock.advance(1_000)
    expect(await answer).toBe('back')
  })

  test('without a hint is not retried: a full bulkhead, an isolated circuit', async () => {
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

  test('an attempt that opens the circuit ends the retries with the refusal that the next one met', async () => {
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

test('the breaker inside the retry sees every attempt; the retry inside the breaker counts as one', async () => {
  for (const [order, seen] of [
    ['inside', 3],
    ['outside', 1],
  ] as const) {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(9) })
    const again = retry({ maxRetries: 2, backoff: constant(1) })
    const s =
      order === 'inside' ? shield({ name: 's', clock }, again, breaker) : shield({ name: 's', clock }, breaker, again)
    const call = s.run(() => Promise.reject(DOWN)).catch(() => {})
    await clock.advance('1s')
    await call
    expect(s.status().policies.find(({ type }) => type === 'circuitBreaker')).toMatchObject({ failures: seen })
  }
})
