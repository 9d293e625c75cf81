import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  type AnyPolicy,
  cache,
  circuitBreaker,
  coalesce,
  consecutive,
  constant,
  DeadlineExceededError,
  explain,
  fallback,
  retry,
  type Shield,
  shield,
  timeout,
  wasCalled,
  withContext,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { contextHeaders } from '../with-context.ts'

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.fail(`expected a failure, got ${value}`),
    (error) => error,
  )
const never = (): Promise<never> => new Promise(() => {})
const within = <T>(deadline: number, body: () => T): T => withContext({}, body, { deadline })
const build = shield as unknown as (name: string, ...policies: readonly AnyPolicy[]) => Shield

describe('a deadline of the request', () => {
  test('becomes the deadline of every call, and its end says nothing about the dependency', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 5, backoff: constant(1) }), breaker)
    const executed: unknown[] = []
    s.on('executed', ({ policyType, outcome }) => executed.push([policyType, outcome]))
    let deadline: number | undefined
    const outcome = within(30_000, () =>
      thrownBy(
        s.run((call) => {
          deadline = call.deadline
          return never()
        }),
      ),
    )
    await clock.advance(30_000)
    const error = await outcome
    expect(error).toBeInstanceOf(DeadlineExceededError)
    // The time that is left is a fraction, which no message needs.
    expect((error as Error).message).toMatch(/^'s' did not answer before the deadline, \d+ ms after the call$/)
    expect([breaker.state, deadline]).toEqual(['closed', expect.any(Number)])
    expect(executed).toEqual([
      ['circuitBreaker', 'ignored'],
      ['retry', 'ignored'],
    ])
  })

  test('says nothing about the dependency of a nested shield, whose call gets the signal', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const clock = virtualClock()
    const [outer, inner] = [shield({ name: 'outer', clock }, timeout('1h')), shield({ name: 'inner', clock }, breaker)]
    // The inner call inherits no deadline: it only sees the signal abort.
    const nested = (signal: AbortSignal): Promise<never> => withContext({}, () => inner.run(never, { signal }))
    const outcome = within(20_000, () => thrownBy(outer.run(({ signal }) => nested(signal))))
    await clock.advance(20_000)
    expect(await outcome).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect(breaker.state).toBe('closed')
  })

  test('counts as usual where a shorter timeout of the policy ends the call', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, breaker, timeout(10))
    const outcome = within(10_000, () => thrownBy(s.run(never)))
    await clock.advance(10)
    expect([await outcome, breaker.state]).toMatchObject([{ code: 'TIMEOUT' }, 'open'])
  })

  test('has effect if it is earlier than the deadline of the call, and the other way round', async () => {
    const s = shield('s', timeout('1h'))
    const left = (request: number, deadline: number): Promise<number> =>
      within(request, () => s.run(({ deadline: at, clock }) => (at as number) - clock.now(), { deadline }))
    expect(await left(1_000, 60_000)).toBeLessThan(1_001)
    expect(await left(60_000, 1_000)).toBeLessThan(1_001)
  })

  test('that has passed ends a call before it starts', async () => {
    const s = shield('s', fallback(0), timeout('1s'))
    const error = await within(0, () => thrownBy(s.run(() => 1)))
    expect([error, wasCalled(error)]).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }, false])
    expect(explain(error)?.policies.map(({ state }) => state)).toEqual(['not reached', 'not reached'])
  })

  test.each<[string, AnyPolicy]>([
    ['a shared flight', coalesce() as AnyPolicy],
    ['a background refresh', cache({ ttl: 0, staleWhileRevalidate: '1h' }) as AnyPolicy],
  ])('is not inherited by calls inside %s', async (_what, policy) => {
    const [outer, inner] = [build('outer', policy), shield('inner', timeout('1h'))]
    const deadlines: unknown[] = []
    const operation = (): Promise<number> =>
      inner.run(({ deadline, clock }) => {
        deadlines.push((deadline as number) - clock.now() > 60_000, contextHeaders()['x-request-timeout-ms'])
        return 1
      })
    await outer.run(operation, { key: 'k' })
    await within(1_000, () => outer.run(operation, { key: 'k' }))
    // The refresh runs behind the call.
    await setImmediate()
    expect(deadlines).toEqual([true, undefined, true, undefined])
  })
})

test('a call that is aborted before it starts reaches no policy', async () => {
  const reason = new Error('gone')
  const s = shield('s', timeout('1s'))
  expect(await thrownBy(s.run(() => 1, { signal: AbortSignal.abort(reason) }))).toBe(reason)
  expect([wasCalled(reason), explain(reason)?.policies[0]?.state]).toEqual([false, 'not reached'])
})
