import { describe, expect, test } from 'vitest'
import { anyTrip, consecutive, failureRate, slowCallRate } from '../../../index.ts'
import { fail, gate, never, setUp } from './setup.ts'

const counts = { failures: 2, calls: 2 }

describe('trip', () => {
  test.each([
    ['consecutive failures', consecutive(10), consecutive(4), counts],
    ['a rate in the same time window', failureRate(), failureRate({ threshold: 0.2, minimumCalls: 4 }), counts],
    [
      'a rate of the same number of calls',
      failureRate({ window: { calls: 30 } }),
      failureRate({ window: { calls: 30 }, threshold: 0.9 }),
      counts,
    ],
    ['another time window', failureRate(), failureRate({ window: '10s' }), { failures: 0, calls: 0 }],
    [
      'another number of calls',
      failureRate({ window: { calls: 30 } }),
      failureRate({ window: { calls: 40 } }),
      { failures: 0, calls: 0 },
    ],
    ['another kind', consecutive(10), failureRate(), { failures: 0, calls: 0 }],
    [
      'slow calls in place of failures',
      failureRate(),
      slowCallRate({ threshold: 1, slowerThan: '1s' }),
      { failures: 0, calls: 0 },
    ],
    ['one trip more', consecutive(10), anyTrip(consecutive(4), failureRate()), counts],
    ['one trip less', anyTrip(failureRate(), consecutive(10)), consecutive(4), counts],
    ['another order', anyTrip(failureRate(), consecutive(10)), anyTrip(consecutive(4), failureRate()), counts],
  ])('counts after a change to %s', async (_, before, after, expected) => {
    const { s, times } = setUp({ trip: before })
    await times(2, fail)
    s.reconfigure({ circuitBreaker: { trip: after } })
    expect(s.status().policies[0]).toMatchObject({ state: 'closed', ...expected })
  })

  test('two trips do not share the window of one that they replace', async () => {
    const { s, times } = setUp({ trip: failureRate({ minimumCalls: 100 }) })
    await times(2, fail)
    s.reconfigure({
      circuitBreaker: { trip: anyTrip(failureRate({ minimumCalls: 50 }), failureRate({ minimumCalls: 70 })) },
    })
    await times(1, fail)
    expect(s.status().policies[0]).toMatchObject({ failures: 3, calls: 3 })
  })

  test('a count beyond the new threshold opens the circuit at the next failure', async () => {
    const { s, breaker, times } = setUp({ trip: consecutive(10) })
    await times(5, fail)
    s.reconfigure({ circuitBreaker: { trip: consecutive(3) } })
    expect(breaker.state).toBe('closed')
    await times(1, fail)
    expect(breaker.state).toBe('open')
  })

  test('each key continues with its own counts, and a later key has the new trip', async () => {
    const { s, breaker, times } = setUp({ trip: consecutive(5), perKey: {} })
    await times(2, fail, { key: 'a' })
    s.reconfigure({ circuitBreaker: { trip: consecutive(3) } })
    await times(1, fail, { key: 'a' })
    await times(2, fail, { key: 'b' })
    expect([breaker.stateOf('a'), breaker.stateOf('b')]).toEqual(['open', 'closed'])
    await times(1, fail, { key: 'b' })
    expect(breaker.stateOf('b')).toBe('open')
  })

  test('a call in flight is not timed by a new trip for slow calls', async () => {
    const { s, breaker, clock } = setUp({ trip: consecutive(5) })
    const held = gate()
    const call = s.run(() => held.promise)
    s.reconfigure({ circuitBreaker: { trip: slowCallRate({ threshold: 0.5, slowerThan: '1s', minimumCalls: 1 }) } })
    await clock.advance('5s')
    held.resolve()
    await call
    expect(breaker.state).toBe('closed')
    void s.run(never)
    await clock.advance('2s')
    expect(breaker.state).toBe('open')
  })

  test('changes what telemetry can count', () => {
    const { s, breaker } = setUp({ trip: consecutive(5) })
    s.reconfigure({ circuitBreaker: { trip: consecutive(3), probe: { operation: () => 1, every: '1s' } } })
    const reasons = breaker.countable?.transitions?.map(({ reason }) => reason)
    expect(reasons).toContain('3 consecutive failures')
    expect(reasons).toContain('the health check succeeded')
  })
})

describe('an open period', () => {
  test('keeps its length; the next one has the new length', async () => {
    const { s, clock, breaker, times } = setUp({ trip: consecutive(1), openFor: '10s' })
    await times(1, fail)
    s.reconfigure({ circuitBreaker: { openFor: '1s' } })
    await clock.advance('9s')
    expect(breaker.state).toBe('open')
    await clock.advance('1s')
    await times(1, fail)
    expect(s.status().policies[0]).toMatchObject({ state: 'open', retryAfterMs: 1_000 })
  })

  test('keeps the probes and the lease of the trial that has begun', async () => {
    const { s, clock, breaker, times } = setUp({
      trip: consecutive(1),
      openFor: '1s',
      halfOpen: { probes: 2, lease: '30s' },
    })
    await times(1, fail)
    await clock.advance('1s')
    expect(breaker.state).toBe('half-open')
    s.reconfigure({ circuitBreaker: { halfOpen: { probes: 1 } } })
    await times(1, () => 1)
    expect(breaker.state).toBe('half-open')
    await times(1, () => 1)
    expect(breaker.state).toBe('closed')
  })

  test('keeps its health check until the circuit closes', async () => {
    const checks: string[] = []
    const probe = (name: string) => {
      const operation = (): Promise<never> => {
        checks.push(name)
        return fail()
      }
      return { operation, every: '1s' as const }
    }
    const { s, clock, times, breaker } = setUp({ trip: consecutive(1), openFor: '1h', probe: probe('old') })
    await times(1, fail)
    s.reconfigure({ circuitBreaker: { probe: probe('new') } })
    await clock.advance('2s')
    expect(checks).toEqual(['old', 'old'])
    breaker.reset()
    await times(1, fail)
    await clock.advance('1s')
    expect(checks).toEqual(['old', 'old', 'new'])
    s.reconfigure({ circuitBreaker: { probe: undefined } })
    breaker.reset()
    await clock.advance('5s')
    expect(checks).toHaveLength(3)
  })

  test('starts a health check that is added to an open circuit', async () => {
    const { s, clock, times, breaker } = setUp({ trip: consecutive(1), openFor: '1h' })
    await times(1, fail)
    s.reconfigure({ circuitBreaker: { probe: { operation: () => 'healthy', every: '1s' } } })
    await clock.advance('1s')
    expect(breaker.state).toBe('closed')
  })
})

describe('other options', () => {
  test('mode takes effect at once, in both directions, also during a ramp', async () => {
    const { s, clock, breaker, times } = setUp({
      trip: consecutive(1),
      openFor: '1s',
      ramp: { steps: [0.01], each: '1h' },
    })
    await times(1, fail)
    s.reconfigure({ circuitBreaker: { mode: 'observe' } })
    expect(await s.run(() => 1)).toBe(1)
    s.reconfigure({ circuitBreaker: { mode: 'enforce' } })
    await expect(s.run(() => 1)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
    await clock.advance('1s')
    await times(1, () => 1)
    expect(s.status().policies[0]).toMatchObject({ state: 'closed', admitting: 0.01 })
    s.reconfigure({ circuitBreaker: { mode: 'observe' } })
    await Promise.all(Array.from({ length: 100 }, () => s.run(() => 1)))
    expect(breaker.state).toBe('closed')
  })

  test('a running ramp continues with its steps', async () => {
    const { s, clock, times } = setUp({ trip: consecutive(1), openFor: '1s', ramp: { steps: [0.5], each: '10s' } })
    await times(1, fail)
    await clock.advance('1s')
    await times(1, () => 1)
    s.reconfigure({ circuitBreaker: { ramp: undefined } })
    expect(s.status().policies[0]).toMatchObject({ admitting: 0.5 })
    await clock.advance('10s')
    expect(s.status().policies[0]).not.toHaveProperty('admitting')
  })

  test('a new classifier judges only calls that begin afterwards', async () => {
    const { s, breaker } = setUp({ trip: consecutive(1), classify: () => 'ignored' })
    const held = gate()
    const call = s.run(() => held.promise)
    s.reconfigure({ circuitBreaker: { classify: () => 'failure' } })
    held.resolve()
    await call
    expect(breaker.state).toBe('closed')
    await s.run(() => 1)
    expect(breaker.state).toBe('open')
  })

  test('the events of one shield are emitted once after many changes', async () => {
    const { s, breaker } = setUp({})
    const events: unknown[] = []
    s.on('stateChange', (event) => events.push(event))
    for (let n = 0; n < 5; n += 1) s.reconfigure({ circuitBreaker: { openFor: '5s' } })
    breaker.trip()
    expect(events).toHaveLength(1)
  })

  test.each(['name', 'perKey', 'restore'])('%s cannot change', (option) => {
    const { s } = setUp({})
    expect(() => s.reconfigure({ circuitBreaker: { [option]: undefined } })).toThrow(`circuitBreaker.${option}`)
  })
})
