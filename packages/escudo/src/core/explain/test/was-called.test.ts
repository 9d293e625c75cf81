import { describe, expect, test, vi } from 'vitest'
import {
  BulkheadFullError,
  bulkhead,
  type Classify,
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
  type Shield,
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

describe('a refusal that is one object for all calls', () => {
  const failing = (s: Shield, message: string, refusal: unknown): Promise<unknown> =>
    thrownBy(s.run(({ attempt }) => Promise.reject(attempt === 1 ? new Error(message) : refusal)))

  test('gets no cause: one request must not see the failure of another', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 1, backoff: constant(1) }))
    const refusal = new BulkheadFullError({ shield: 'pool', policy: 'pool', stacks: false }, 'no connection is free')
    const calls = ['a', 'b'].map((message) => failing(s, message, refusal))
    await clock.advance(1)
    for (const error of await Promise.all(calls)) {
      expect([error, (error as Error).cause, wasCalled(error)]).toEqual([refusal, undefined, true])
    }
    const first = thrownBy(s.run(() => Promise.reject(refusal)))
    await clock.advance(1)
    expect(((await first) as Error).cause).toBeUndefined()
  })

  test('has the cause of no call if several outer calls share the call of an inner shield', async () => {
    const clock = virtualClock()
    const isolated = circuitBreaker()
    isolated.isolate()
    const inner = shield({ name: 'inner', clock }, isolated)
    const outer = shield({ name: 'outer', clock }, retry({ maxRetries: 1, backoff: constant(1) }))
    let shared: Promise<unknown> | undefined
    const calls = ['a', 'b'].map((message) =>
      thrownBy(
        outer.run(({ attempt }) => {
          if (attempt === 1) throw new Error(message)
          shared ??= inner.run(() => 1)
          return shared
        }),
      ),
    )
    await clock.advance(1)
    const [a, b] = (await Promise.all(calls)) as [Error, Error]
    expect([a === b, a.cause]).toEqual([true, undefined])
  })

  test('of an inner shield, made for one call, has the failure of that call as its cause', async () => {
    const clock = virtualClock()
    const inner = shield({ name: 'inner', clock }, circuitBreaker({ trip: consecutive(1) }))
    const outer = shield({ name: 'outer', clock }, retry({ maxRetries: 1, backoff: constant(1) }))
    const outcome = thrownBy(outer.run(() => inner.run(down)))
    await clock.advance(1)
    expect(await outcome).toMatchObject({ code: 'CIRCUIT_OPEN', cause: DOWN })
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

  test('for a refusal after the value of a shared flight, which a classifier rejected', async () => {
    const clock = virtualClock()
    const classify: Classify = (outcome) => (outcome.ok && outcome.value === 'bad' ? 'failure' : 'success')
    const breaker = circuitBreaker({ trip: consecutive(1), classify })
    const s = shield(
      { name: 's', clock },
      retry({ maxRetries: 1, backoff: constant(1), classify }),
      breaker,
      coalesce(),
    )
    const outcomes = [1, 2].map(() => thrownBy(s.run(() => 'bad', { key: 'k' })))
    await clock.advance(1)
    for (const error of await Promise.all(outcomes)) {
      expect(error).toMatchObject({ code: 'CIRCUIT_OPEN' })
      expect(wasCalled(error)).toBe(true)
    }
  })

  test('for the refusal of a second installed copy after an attempt that failed', async () => {
    vi.resetModules()
    const second = await import('../../../index.ts')
    const breaker = second.circuitBreaker({ trip: second.consecutive(1) })
    const s = second.shield('s', second.retry({ maxRetries: 1, backoff: second.constant(1) }), breaker)
    const error = await thrownBy(s.run(down))
    expect([isRefusal(error), wasCalled(error)]).toEqual([true, true])
    expect(wasCalled(await thrownBy(s.run(down)))).toBe(false)
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
