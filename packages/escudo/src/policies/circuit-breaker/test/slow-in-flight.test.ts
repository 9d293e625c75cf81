import { describe, expect, test } from 'vitest'
import {
  anyTrip,
  type CircuitBreakerOptions,
  circuitBreaker,
  consecutive,
  failureRate,
  retry,
  shield,
  slowCallRate,
  type Trip,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

// A call in flight counts as slow as soon as it has taken longer than `slowerThan`: a dependency that hangs is slow.

const never = (): Promise<never> => new Promise(() => {})

function setUp(trip: Trip, options: CircuitBreakerOptions = {}) {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip, openFor: '10s', ...options })
  const s = shield({ name: 's', clock }, breaker)
  const changes: string[] = []
  breaker.on('stateChange', ({ to, reason, at }) => changes.push(`${at} ${to}: ${reason}`))
  const status = () => {
    const { state, failures, calls } = s.status().policies[0] as Record<string, unknown>
    return { state, failures, calls }
  }
  return { clock, breaker, s, changes, status }
}

const slow = slowCallRate({ threshold: 0.5, slowerThan: '2s', minimumCalls: 20 })

describe('calls in flight that are slow', () => {
  test('open the circuit when the twentieth of them exceeds `slowerThan`', async () => {
    const { clock, s, status, changes } = setUp(slow)
    for (let call = 0; call < 20; call += 1) void s.run(never)
    await clock.advance('2s')
    expect(status()).toEqual({ state: 'closed', failures: 0, calls: 0 })
    await clock.advance('1s')
    expect(status()).toEqual({ state: 'open', failures: 20, calls: 20 })
    expect(changes).toEqual([expect.stringMatching(/^2000\.\d+ open: slow call rate of 50 %$/)])
    await expect(s.run(() => 1)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
    await clock.advance('10s')
    expect(changes.at(-1)).toMatch(/half-open: the open period ended$/)
  })

  test('count once, whatever their outcome is later', async () => {
    const { clock, s, status } = setUp(slowCallRate({ slowerThan: '2s', window: { calls: 100 }, minimumCalls: 10 }))
    const ends: (() => void)[] = []
    const [success, failure] = [0, 1].map((fails) =>
      s
        .run(() => new Promise<void>((resolve, reject) => ends.push(fails ? () => reject(new Error('down')) : resolve)))
        .catch(() => {}),
    )
    const controller = new AbortController()
    const aborted = s.run(never, { signal: controller.signal }).catch(() => {})
    const limited = s.run(never, { deadline: '4s' }).catch(() => {})
    await clock.advance(2_001)
    expect(status()).toEqual({ state: 'closed', failures: 4, calls: 4 })
    for (const end of ends) end()
    controller.abort()
    await clock.advance('5s')
    await Promise.all([success, failure, aborted, limited])
    expect([status(), clock.pending]).toEqual([{ state: 'closed', failures: 4, calls: 4 }, 0])
  })

  test('count as a failure for another trip when they fail, and as slow when they are slow', async () => {
    const trip = anyTrip(failureRate({ threshold: 1, minimumCalls: 2, window: { calls: 2 } }), slow)
    const { clock, s, changes, status } = setUp(trip)
    const failures = [1, 2].map(() => s.run(never, { deadline: '5s' }).catch(() => {}))
    await clock.advance('3s')
    expect(status()).toEqual({ state: 'closed', failures: 0, calls: 0 })
    await clock.advance('2s')
    await Promise.all(failures)
    expect(changes).toEqual(['5000 open: failure rate of 100 %'])
  })

  test('count for each of several limits when they exceed it', async () => {
    const trip = anyTrip(
      slowCallRate({ threshold: 0.9, slowerThan: '1s', minimumCalls: 3, window: { calls: 3 } }),
      slowCallRate({ threshold: 0.5, slowerThan: '4s', minimumCalls: 2, window: { calls: 2 } }),
    )
    const { clock, s, changes, status } = setUp(trip)
    for (let call = 0; call < 2; call += 1) void s.run(never)
    await clock.advance(1_001)
    expect(status()).toEqual({ state: 'closed', failures: 2, calls: 2 })
    await clock.advance(2_998)
    expect(changes).toEqual([])
    await clock.advance(2)
    expect(changes).toEqual([expect.stringMatching(/^4000\.\d+ open: slow call rate of 50 %$/)])
  })

  test('do not reopen a circuit that has closed since: their generation has ended', async () => {
    const { clock, breaker, s, status } = setUp(slowCallRate({ slowerThan: '2s', minimumCalls: 1 }))
    void s.run(never)
    breaker.reset()
    await clock.advance('1h')
    expect(status()).toEqual({ state: 'closed', failures: 0, calls: 0 })
  })

  test('are not counted while the breaker is disabled, and leave no timer', async () => {
    const { clock, breaker, s, status } = setUp(slowCallRate({ slowerThan: '2s', minimumCalls: 1 }))
    breaker.disable()
    void s.run(never)
    await clock.advance('1h')
    expect([status(), clock.pending]).toEqual([{ state: 'disabled', failures: 0, calls: 0 }, 0])
  })

  test('open a circuit of one key and no other', async () => {
    const { clock, breaker, s } = setUp(slowCallRate({ slowerThan: '2s', minimumCalls: 1 }), { perKey: {} })
    void s.run(never, { key: 'a' })
    await s.run(async () => 1, { key: 'b' })
    await clock.advance('3s')
    expect([breaker.stateOf('a'), breaker.stateOf('b')]).toEqual(['open', 'closed'])
  })

  test('are timed for each attempt of a retry', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: slowCallRate({ slowerThan: '2s', minimumCalls: 2, threshold: 1 }) })
    const s = shield({ name: 's', clock }, retry({ maxRetries: 1 }), breaker, timeout('3s'))
    const outcome = s.run(never).catch((error) => error)
    await clock.advance('1h')
    expect(await outcome).toMatchObject({ code: 'TIMEOUT' })
    expect(clock.pending).toBe(0)
    expect(breaker.status?.(0)).toMatchObject({ state: 'half-open', failures: 2, calls: 2 })
  })
})

describe('a probe in flight that is slow', () => {
  const trip = anyTrip(consecutive(1), slowCallRate({ slowerThan: '2s' }))
  const fail = (): Promise<never> => Promise.reject(new Error('down'))

  test('fails when it exceeds `slowerThan`, before its lease ends', async () => {
    const { clock, s, changes } = setUp(trip)
    await s.run(fail).catch(() => {})
    await clock.advance('10s')
    let end = (): void => {}
    const probe = s.run(() => new Promise<void>((resolve) => (end = resolve)))
    await clock.advance('3s')
    expect(changes.slice(2)).toEqual([expect.stringMatching(/^12000\.\d+ open: a probe was too slow$/)])
    // Its outcome comes too late: the circuit stays open, and a later probe decides.
    end()
    await probe
    await clock.advance('7s')
    expect(changes).toHaveLength(3)
    await clock.advance('3s')
    await s.run(() => 1)
    expect(changes.slice(3)).toMatchObject(
      [/half-open/, /closed: the probes succeeded/].map((text) => expect.stringMatching(text)),
    )
  })

  test('of several fails once, and releases its permit to no other call', async () => {
    const { clock, breaker, s, changes } = setUp(trip, { halfOpen: { probes: 3, closeAt: 0.3 } })
    await s.run(fail).catch(() => {})
    await clock.advance('10s')
    void s.run(never)
    await clock.advance('3s')
    expect(breaker.state).toBe('half-open')
    const more = [1, 2, 3].map(() => s.run(never).catch((error) => error.code))
    expect(await more[2]).toBe('CIRCUIT_OPEN')
    await clock.advance('3s')
    expect(changes.at(-1)).toMatch(/open: a probe was too slow/)
    expect(breaker.state).toBe('open')
  })
})
