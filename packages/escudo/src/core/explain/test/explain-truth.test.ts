import { isNativeError } from 'node:util/types'
import { expect, test } from 'vitest'
import {
  type AnyPolicy,
  attemptsOf,
  bulkhead,
  type Call,
  CircuitOpenError,
  cache,
  circuitBreaker,
  coalesce,
  consecutive,
  constant,
  definePolicy,
  explain,
  fallback,
  hedge,
  retry,
  type Shield,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

// The cases in which an explanation could be wrong.

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error('expected a failure')
    },
    (error) => error,
  )
const never = (): Promise<never> => new Promise(() => {})
const down = (): never => {
  throw new Error('down')
}
const statesOf = (error: unknown): unknown => explain(error)?.policies.map(({ state }) => state)

test('shows what a policy did in the last attempt, not in an earlier one', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, retry({ maxRetries: 1, backoff: constant(1) }), timeout('1s'))
  const failing = thrownBy(s.run(({ attempt }) => (attempt === 1 ? never() : down())))
  await clock.advance('5s')
  expect(statesOf(await failing)).toEqual(['no retries left', 'passed'])
})

test('keeps the notes of policies outside a retry when its next attempt begins', async () => {
  const clock = virtualClock()
  const s = shield(
    { name: 's', clock },
    retry({ name: 'outer', maxRetries: 1, backoff: constant(1) }),
    retry({ name: 'inner', maxRetries: 1, backoff: constant(1) }),
  )
  const failing = thrownBy(s.run(down))
  await clock.advance('5s')
  const error = await failing
  expect(statesOf(error)).toEqual(['no retries left', 'no retries left'])
  expect(attemptsOf(error)).toHaveLength(2)
})

test('explains the error of a shared flight to every caller that waited for it', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '5s' })
  const s = shield({ name: 's', clock }, fallback(0, { when: () => false }), coalesce(), breaker, timeout('1s'))
  await thrownBy(s.run(down, { key: 'k' }))
  const options = { key: 'k' }
  const [first, second] = await Promise.all([thrownBy(s.run(() => 1, options)), thrownBy(s.run(() => 1, options))])
  // A separate object for each caller: an outer retry sets its own cause on it.
  expect(second).not.toBe(first)
  for (const error of [first, second]) {
    expect(error).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 5_000, reason: '1 consecutive failures' })
    expect(error).toBeInstanceOf(CircuitOpenError)
    expect(isNativeError(error)).toBe(true)
    expect(statesOf(error)).toEqual(['passed', 'passed', 'open', 'not reached'])
    expect(explain(error)?.retryAt).toBe(5_000)
  }
})

test('does not mistake the refusal of an inner shield of the same name for its own', async () => {
  const inner = shield('twin', circuitBreaker({ trip: consecutive(1) }))
  const outer = shield('twin', circuitBreaker(), timeout('1s'))
  await thrownBy(inner.run(down))
  const error = await thrownBy(outer.run(() => inner.run(() => 1)))
  expect(statesOf(error)).toEqual(['closed', 'passed'])
  const rethrow = fallback((reason) => Promise.reject(new Error('other', { cause: reason })))
  const substituting = shield('twin', rethrow, circuitBreaker(), timeout('1s'))
  expect(statesOf(await thrownBy(substituting.run(() => inner.run(() => 1))))).toEqual(['failed', 'closed', 'passed'])
})

test('does not change while another part of the same call continues', async () => {
  const clock = virtualClock()
  const both = definePolicy({
    name: 'both',
    wrap: (next) => async (call, operation) => {
      const [value] = await Promise.all([next(call, operation), next(call, operation)])
      return value
    },
  })
  const s = shield({ name: 's', clock }, both, timeout('1s'))
  let calls = 0
  const error = await thrownBy(
    s.run(() => {
      calls += 1
      return calls === 1 ? down() : never()
    }),
  )
  const before = explain(error)
  await clock.advance('2s')
  expect(explain(error)).toEqual(before)
})

test('shows policies as not reached if a fallback replaced the refusal by another error', async () => {
  const clock = virtualClock()
  const s = shield(
    { name: 's', clock },
    fallback(() => Promise.reject(new Error('no substitute'))),
    bulkhead({ limit: 1 }),
    timeout('1s'),
  )
  const first = thrownBy(s.run(never))
  expect(statesOf(await thrownBy(s.run(() => 1)))).toEqual(['failed', 'full', 'not reached'])
  await clock.advance('1s')
  await first
})

test('includes an inner shield although a custom policy makes the error leave its call twice', async () => {
  const custom = definePolicy({ name: 'custom', wrap: (next) => (call, operation) => next(call, operation) })
  const inner = shield('inner', circuitBreaker())
  const s = shield('outer', retry({ maxRetries: 0 }), custom)
  const error = await thrownBy(s.run(() => inner.run(down)))
  expect(statesOf(error)).toEqual(['no retries left', 'passed'])
  expect(explain(error)?.inside?.shield).toBe('inner')
})

test('includes the notes that policies inside a custom policy make on a cancellation', async () => {
  const clock = virtualClock()
  const custom = definePolicy({
    name: 'custom',
    wrap: (next) => async (call, operation) => await next(call, operation),
  })
  const s = shield({ name: 's', clock }, timeout('1s'), custom, retry(), circuitBreaker({ trip: consecutive(1) }))
  const failing = thrownBy(s.run(never))
  await clock.advance('1s')
  expect(statesOf(await failing)).toEqual(['timed out', 'passed', 'passed', 'open'])
})

test.each<[string, AnyPolicy]>([
  ['a custom policy', definePolicy({ name: 'custom', wrap: (next) => (call, operation) => next(call, operation) })],
  ['a cache', cache({ ttl: '1s' })],
  ['a coalesce', coalesce()],
  ['a hedge', hedge({ after: '1h' })],
])('contains the attempts of a retry inside %s that an outer timeout ends', async (_what, policy) => {
  const clock = virtualClock()
  const s = shield(
    { name: 's', clock },
    timeout('1s'),
    policy as never,
    retry({ maxRetries: 5, backoff: constant('10ms') }),
  ) as Shield
  const late = ({ signal }: Call): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => clock.setTimer(() => reject(signal.reason), 100))
    })
  const failing = thrownBy(s.run((call) => (call.attempt < 3 ? down() : late(call)), { key: 'k' }))
  await clock.advance('1s')
  const error = await failing
  for (let time = 0; time < 2; time += 1) {
    expect(error).toMatchObject({ code: 'TIMEOUT' })
    expect(attemptsOf(error).map(({ number }) => number)).toEqual([1, 2, 3])
    expect(attemptsOf(error).at(-1)).toMatchObject({ startedAt: 20, outcome: 'failure', error })
    expect(explain(error)?.policies.at(0)?.state).toBe('timed out')
    expect(explain(error)?.policies.at(-1)?.state).toBe('cancelled')
    // The operation ends after its call.
    await clock.advance('1s')
  }
})

test('does not say that an error happened inside a shield that it left before the call started', async () => {
  const shared = new Error('one object')
  const throwIt = (): Promise<never> => Promise.reject(shared)
  const [first, second] = [shield('first', timeout('1s')), shield('second', timeout('1s'))]
  await thrownBy(first.run(throwIt))
  await thrownBy(second.run(throwIt))
  expect(explain(shared)).toMatchObject({ shield: 'second' })
  expect(explain(shared)?.inside).toBeUndefined()
  // Inside it, it does.
  await thrownBy(second.run(() => first.run(throwIt)))
  expect(explain(shared)?.inside?.shield).toBe('first')
  await thrownBy(first.run(throwIt))
  expect(explain(shared)?.inside).toBeUndefined()
})

test('contains the attempts of a hedge that an outer timeout ends', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, timeout('1s'), hedge({ after: '100ms', maxHedges: 2 }))
  const outcome = thrownBy(s.run(({ attempt }) => (attempt < 3 ? down() : never())))
  await clock.advance('1s')
  const error = await outcome
  expect(error).toMatchObject({ code: 'TIMEOUT' })
  expect(attemptsOf(error).map(({ number, error }) => [number, (error as Error).message])).toEqual([
    [1, 'down'],
    [2, 'down'],
  ])
  expect(explain(error)?.attempts).toHaveLength(2)
  expect(statesOf(error)).toEqual(['timed out', 'cancelled'])
})

test('shows the policies inside a hedge as reached if the error comes from an attempt that ran', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, hedge({ after: '100ms' }), bulkhead({ limit: 1 }), timeout('5s'))
  const failLater = ({ clock: { setTimer } }: Call): Promise<never> =>
    new Promise((_resolve, reject) => setTimer(() => reject(new Error('down')), 1_000))
  const outcome = thrownBy(s.run(failLater))
  await clock.advance('1s')
  const error = await outcome
  expect(error).toMatchObject({ message: 'down' })
  // The hedge was refused by the bulkhead after the first attempt had reached the timeout.
  expect(statesOf(error)).toEqual(['all failed', 'full', 'passed'])
})
