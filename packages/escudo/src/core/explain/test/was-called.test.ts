import { describe, expect, test } from 'vitest'
import {
  bulkhead,
  circuitBreaker,
  coalesce,
  consecutive,
  constant,
  definePolicy,
  explain,
  fallback,
  isRefusal,
  rateLimiter,
  retry,
  shield,
  timeout,
  wasCalled,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.fail(`expected a failure, got ${value}`),
    (error) => error,
  )
const DOWN = new Error('connection reset')
const down = (): Promise<never> => Promise.reject(DOWN)
const never = (): Promise<never> => new Promise(() => {})

describe('a refusal after an attempt that failed', () => {
  async function refusedAtSecondAttempt() {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const s = shield({ name: 's', clock }, retry({ maxRetries: 1, backoff: constant(1) }), breaker)
    const executed: string[] = []
    s.on('executed', ({ policyType, outcome }) => policyType === 'retry' && executed.push(outcome))
    const outcome = thrownBy(s.run(down))
    await clock.advance(1)
    return { error: await outcome, executed, s, clock }
  }

  test('has the failure as its cause, and says that the operation ran', async () => {
    const { error, executed, s } = await refusedAtSecondAttempt()
    expect(error).toMatchObject({ code: 'CIRCUIT_OPEN', cause: DOWN })
    expect([isRefusal(error), wasCalled(error)]).toEqual([true, true])
    expect(executed).toEqual(['failed_with_retry'])
    expect(s.status().policies[0]).toMatchObject({ type: 'retry', retries: 1, exhausted: 1 })
  })

  test('does not show the failure of another call', async () => {
    const { s, clock } = await refusedAtSecondAttempt()
    await clock.advance(5)
    const next = (await thrownBy(s.run(down))) as Error
    expect([isRefusal(next), wasCalled(next), next.cause]).toEqual([true, false, undefined])
    expect(next).toMatchObject({ lastFailure: { name: 'Error', code: undefined, at: 0 }, failures: 1, calls: 1 })
  })

  test('has its own cause for each caller of a shared flight', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(2), openFor: '10s' })
    const oneKeyForRetries = definePolicy<unknown, never, string>({
      name: 'oneKeyForRetries',
      wrap: (next) => (call, operation) => next({ ...call, key: call.attempt === 1 ? call.key : 'shared' }, operation),
    })
    const backoff = constant(10)
    const s = shield({ name: 's', clock }, retry({ maxRetries: 1, backoff }), oneKeyForRetries, coalesce(), breaker)
    const errors = { a: new Error('a'), b: new Error('b') }
    const call = (id: 'a' | 'b') => {
      // A custom policy gives the first attempts separate flights; the second attempts share one.
      return thrownBy(s.run(() => Promise.reject(errors[id]), { key: id }))
    }
    const calls = [call('a'), call('b')]
    await clock.advance(10)
    const [a, b] = (await Promise.all(calls)) as [Error, Error]
    expect([a.cause, b.cause]).toEqual([errors.a, errors.b])
  })

  test('keeps the later failure if an inner retry has set it', async () => {
    const clock = virtualClock()
    const outer = retry({ maxRetries: 1, backoff: constant(1), name: 'outer' })
    const inner = retry({ maxRetries: 1, backoff: constant(1), name: 'inner' })
    const s = shield({ name: 's', clock }, outer, inner, circuitBreaker({ trip: consecutive(3), openFor: '10s' }))
    let calls = 0
    const outcome = thrownBy(
      s.run(() => {
        calls += 1
        throw new Error(`failure ${calls}`)
      }),
    )
    await clock.advance(10)
    expect(((await outcome) as Error).cause).toMatchObject({ message: 'failure 3' })
  })
})

describe('wasCalled is false', () => {
  test('for a refusal at the first attempt', async () => {
    const breaker = circuitBreaker()
    breaker.isolate()
    expect(wasCalled(await thrownBy(shield('s', retry(), breaker).run(() => 1)))).toBe(false)
  })

  test.each([
    ['bulkhead', bulkhead({ limit: 1, queue: 1 })],
    ['rateLimiter', rateLimiter({ limit: 1, per: '1h', maxWait: '2h' })],
  ] as const)('for a call that its caller aborts while it waits in a %s', async (type, policy) => {
    const s = shield({ name: 's', clock: virtualClock() }, fallback(0), policy, retry())
    void s.run(never).catch(() => {})
    const controller = new AbortController()
    const waiting = thrownBy(s.run(() => 1, { signal: controller.signal }))
    controller.abort(new Error('gone'))
    const error = await waiting
    expect([error, wasCalled(error)]).toMatchObject([{ message: 'gone' }, false])
    expect(explain(error)?.policies.map(({ name, state }) => [name, state])).toEqual([
      ['fallback', 'passed'],
      [type, 'cancelled while waiting'],
      ['retry', 'not reached'],
    ])
  })

  test('for a caller that leaves a shared flight before the operation ran', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1s'), coalesce(), bulkhead({ limit: 1, queue: 1 }))
    const blocker = s.run(never, { key: 'other' }).catch(() => {})
    const waiting = thrownBy(s.run(() => 1, { key: 'k' }))
    await clock.advance('1s')
    const error = await waiting
    expect(wasCalled(error)).toBe(false)
    expect(explain(error)?.policies.map(({ state }) => state)).toEqual([
      'timed out',
      'cancelled while waiting',
      'not reached',
    ])
    await blocker
  })
})

describe('wasCalled is true', () => {
  test('for a failure, a timeout, and a caller that leaves a flight whose operation runs', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1s'), coalesce())
    const flight = thrownBy(s.run(never, { key: 'k' }))
    const failed = await thrownBy(s.run(down, { key: 'other' }))
    await clock.advance('1s')
    expect([wasCalled(await flight), wasCalled(failed)]).toEqual([true, true])
  })

  test('for an error that did not come from a shield, unless it is a refusal', () => {
    expect([wasCalled(new Error('x')), wasCalled('text'), wasCalled(undefined)]).toEqual([true, true, true])
  })

  test('for every call that fails with the same object, if one of them ran the operation', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1, queue: 1 }))
    const controller = new AbortController()
    const calls = [1, 2].map(() => thrownBy(s.run(never, { signal: controller.signal })))
    controller.abort(new Error('shut down'))
    for (const error of await Promise.all(calls)) expect(wasCalled(error)).toBe(true)
  })
})

describe('behind a fallback', () => {
  test('explain and wasCalled work in its function, in `when` and in its event', async () => {
    const clock = virtualClock()
    const seen: unknown[] = []
    const note = (place: string, subject: unknown): void => {
      seen.push([place, explain(subject)?.policies.map(({ state }) => state), wasCalled(subject)])
    }
    const s = shield(
      { name: 's', clock },
      fallback(
        (error, call) => {
          note('function', error)
          note('call', call)
          return 'substitute'
        },
        {
          when: (error) => {
            note('when', error)
            return true
          },
        },
      ),
      bulkhead({ limit: 1 }),
      retry({ maxRetries: 0 }),
    )
    s.on('fallback', ({ error }) => note('event', error))
    void s.run(never)
    expect(await s.run(() => 1)).toBe('substitute')
    const expected = [['passed', 'full', 'not reached'], false]
    expect(seen).toEqual(['when', 'event', 'function', 'call'].map((place) => [place, ...expected]))
  })
})
