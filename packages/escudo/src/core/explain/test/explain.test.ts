import { describe, expect, test } from 'vitest'
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  explain,
  fallback,
  retry,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error('expected a failure')
    },
    (error) => error,
  )
const down = (): Promise<never> => Promise.reject(new Error('down'))

describe('explain', () => {
  test('lists policies with the state and counters that decided, attempts, and `retryAt`', async () => {
    const clock = virtualClock()
    const s = shield(
      { name: 'inventory', clock },
      timeout('10s', { name: 'total' }),
      retry({ maxRetries: 3, backoff: constant(100) }),
      circuitBreaker({ trip: consecutive(2), openFor: '5s' }),
      bulkhead({ limit: 3 }),
    )
    const failing = thrownBy(
      s.run(async ({ clock: { setTimer } }) => {
        await new Promise<void>((resolve) => setTimer(resolve, 7))
        throw new Error('down')
      }),
    )
    await clock.advance('10s')
    expect(explain(await failing)).toEqual({
      shield: 'inventory',
      policies: [
        { name: 'total', type: 'timeout', state: 'passed' },
        { name: 'retry', type: 'retry', state: 'refused for longer than the next delay' },
        {
          name: 'circuitBreaker',
          type: 'circuitBreaker',
          state: 'open',
          failures: 2,
          calls: 2,
          reason: '2 consecutive failures',
          lastFailure: { name: 'Error', code: undefined, at: 114 },
          openedAt: 114,
          retryAfterMs: 4_900,
        },
        { name: 'bulkhead', type: 'bulkhead', state: 'not reached' },
      ],
      attempts: [
        { number: 1, startedAt: 0, durationMs: 7, outcome: 'failure' },
        { number: 2, startedAt: 107, durationMs: 7, outcome: 'failure' },
        { number: 3, startedAt: 214, durationMs: 0, outcome: 'ignored' },
      ],
      retryAt: 5_114,
    })
  })

  test('keeps the state at the moment of the decision', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '5s' })
    const s = shield({ name: 's', clock }, breaker)
    await thrownBy(s.run(down))
    const refusal = await thrownBy(s.run(down))
    breaker.reset()
    expect(explain(refusal)?.policies).toMatchObject([{ state: 'open', failures: 1, calls: 1, retryAfterMs: 5_000 }])
  })

  test('shows the counters of a full bulkhead and the duration of a timeout', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1 }), timeout('1s'))
    const first = thrownBy(s.run(() => new Promise(() => {})))
    expect(explain(await thrownBy(s.run(down)))?.policies).toEqual([
      { name: 'bulkhead', type: 'bulkhead', state: 'full', inUse: 1, limit: 1, queued: 0, queueLimit: 0 },
      { name: 'timeout', type: 'timeout', state: 'not reached' },
    ])
    await clock.advance('1s')
    expect(explain(await first)?.policies).toEqual([
      { name: 'bulkhead', type: 'bulkhead', state: 'passed' },
      { name: 'timeout', type: 'timeout', state: 'timed out', afterMs: 1_000 },
    ])
  })

  test('includes policies around and inside custom policies', async () => {
    const clock = virtualClock()
    const custom = definePolicy({ name: 'custom', wrap: (next) => (call, operation) => next(call, operation) })
    const s = shield({ name: 's', clock }, custom, retry({ maxRetries: 1, backoff: constant(0) }), custom)
    const failing = thrownBy(s.run(down))
    await clock.advance(1)
    expect(explain(await failing)).toMatchObject({
      policies: [{ name: 'custom' }, { name: 'retry', state: 'no retries left' }, { name: 'custom-2' }],
      attempts: [{ number: 1 }, { number: 2 }],
    })
  })

  test('shows the inner shield that the error came through', async () => {
    const inner = shield('inner', circuitBreaker({ trip: consecutive(1) }))
    const outer = shield('outer', fallback(0, { when: () => false }))
    const error = await thrownBy(outer.run(() => inner.run(down)))
    expect(explain(error)).toMatchObject({ shield: 'outer', inside: { shield: 'inner' } })
  })

  test('keeps at most four calls of an error that is thrown again and again', async () => {
    const [a, b] = [shield('a'), shield('b')]
    const same = new Error('one for all')
    for (let n = 0; n < 100; n += 1) {
      await thrownBy(a.run(() => Promise.reject(same)))
      await thrownBy(b.run(() => Promise.reject(same)))
    }
    let depth = 0
    for (let explanation = explain(same); explanation !== undefined; explanation = explanation.inside) depth += 1
    expect(depth).toBeLessThanOrEqual(4)
  })

  test('returns undefined for errors that left no shield, and for values that are no objects', async () => {
    expect(explain(new Error('elsewhere'))).toBeUndefined()
    expect(explain('text')).toBeUndefined()
    expect(explain(undefined)).toBeUndefined()
    expect(explain(await thrownBy(shield('s').run(() => Promise.reject('text'))))).toBeUndefined()
    const frozen = Object.freeze(new Error('frozen'))
    expect(explain(await thrownBy(shield('s').run(() => Promise.reject(frozen))))).toMatchObject({ shield: 's' })
  })

  test('explains the errors of a classifier', async () => {
    const classify = (): never => {
      throw new Error('a bug')
    }
    const s = shield('s', retry({ classify }), circuitBreaker({ classify }))
    expect(explain(await thrownBy(s.run(() => 1)))).toMatchObject({ shield: 's' })
    expect(explain(await thrownBy(s.run(down)))).toMatchObject({ shield: 's' })
  })
})
