import { describe, expect, test } from 'vitest'
import { type CircuitBreakerOptions, circuitBreaker, consecutive, failureRate, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const DOWN = new Error('down')
const fail = (): Promise<never> => Promise.reject(DOWN)

function setUp(options: CircuitBreakerOptions = {}) {
  const clock = virtualClock()
  const breaker = circuitBreaker(options)
  const s = shield({ name: 's', clock }, breaker)
  const times = async (n: number, operation: () => unknown): Promise<void> => {
    for (let i = 0; i < n; i += 1) await s.run(operation).catch(() => {})
  }
  const status = (): Record<string, unknown> => ({ ...s.status().policies[0] })
  return { clock, breaker, s, times, status }
}

describe('the circuit opens', () => {
  test('after n consecutive failures; a success resets the count', async () => {
    const { breaker, times } = setUp({ trip: consecutive(3) })
    await times(2, fail)
    await times(1, () => 1)
    await times(2, fail)
    expect(breaker.state).toBe('closed')
    await times(1, fail)
    expect(breaker.state).toBe('open')
  })

  test('at the failure rate of the last n calls', async () => {
    const { breaker, times } = setUp({ trip: failureRate({ threshold: 0.5, window: { calls: 4 }, minimumCalls: 4 }) })
    await times(10, () => 1)
    await times(1, fail)
    expect(breaker.state).toBe('closed')
    await times(1, fail)
    expect(breaker.state).toBe('open')
  })

  test('at the failure rate of a time window', async () => {
    const { clock, breaker, times } = setUp({ trip: failureRate({ threshold: 0.5, window: '10s', minimumCalls: 4 }) })
    await times(2, fail)
    await clock.advance('10s')
    await times(2, fail)
    expect(breaker.state).toBe('closed')
    await clock.advance('5s')
    await times(2, fail)
    expect(breaker.state).toBe('open')
  })

  test('at its threshold, not only above it: 3 of 30 at 0.1', async () => {
    const { breaker, times } = setUp({ trip: failureRate({ threshold: 0.1, minimumCalls: 30 }) })
    await times(27, () => 1)
    await times(2, fail)
    expect(breaker.state).toBe('closed')
    await times(1, fail)
    expect(breaker.state).toBe('open')
  })

  test('not before the minimum number of calls', async () => {
    const { breaker, times } = setUp({ trip: failureRate({ threshold: 0.5, minimumCalls: 10 }) })
    await times(9, fail)
    expect(breaker.state).toBe('closed')
    await times(1, fail)
    expect(breaker.state).toBe('open')
  })

  test('by default at 50 % of at least 20 calls in 30 s, for 10 s, with 1 probe', async () => {
    const { clock, breaker, s, times } = setUp()
    await times(10, () => 1)
    await times(9, fail)
    expect(breaker.state).toBe('closed')
    await times(1, fail)
    expect(breaker.state).toBe('open')
    await clock.advance(9_999)
    expect(breaker.state).toBe('open')
    await clock.advance(1)
    expect(breaker.state).toBe('half-open')
    const probe = s.run(() => new Promise(() => {}))
    void probe
    await expect(s.run(() => 1)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
  })

  test('without counting the calls from before an idle hour', async () => {
    const { clock, breaker, times } = setUp({ trip: failureRate({ threshold: 0.5, minimumCalls: 20 }) })
    await times(19, fail)
    await clock.advance('1h')
    await times(19, fail)
    expect(breaker.state).toBe('closed')
    expect(breaker).toMatchObject({ state: 'closed' })
  })

  test('and closes each time when the rate flaps at the threshold', async () => {
    const trip = failureRate({ threshold: 0.5, window: { calls: 2 }, minimumCalls: 2 })
    const { clock, breaker, times } = setUp({ trip, openFor: '1s' })
    const changes: string[] = []
    breaker.on('stateChange', ({ to }) => changes.push(to))
    for (let round = 0; round < 50; round += 1) {
      await times(1, () => 1)
      expect(breaker.state).toBe('closed')
      await times(1, fail)
      expect(breaker.state).toBe('open')
      await clock.advance('1s')
      await times(1, () => 1)
      expect(breaker.state).toBe('closed')
    }
    expect(changes).toEqual(Array.from({ length: 50 }, () => ['open', 'half-open', 'closed']).flat())
    expect(clock.pending).toBe(0)
  })
})

describe('an open circuit', () => {
  test('rejects calls immediately with retryAfterMs, without running the operation', async () => {
    const { clock, s, times } = setUp({ trip: consecutive(1), openFor: '10s' })
    await times(1, fail)
    await clock.advance('4s')
    let called = false
    const refused = s.run(() => {
      called = true
    })
    await expect(refused).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', shield: 's', retryAfterMs: 6_000 })
    expect(called).toBe(false)
  })

  test('stays open equally long each time by default', async () => {
    const { clock, breaker, times } = setUp({ trip: consecutive(1), openFor: '10s' })
    for (let n = 0; n < 5; n += 1) {
      await times(1, fail)
      await clock.advance(9_999)
      expect(breaker.state).toBe('open')
      await clock.advance(1)
      expect(breaker.state).toBe('half-open')
    }
  })

  test('can stay open longer with each opening, and starts again at its base after closing', async () => {
    const { clock, breaker, times } = setUp({ trip: consecutive(1), openFor: { base: '1s', factor: 2, max: '5s' } })
    for (const openForMs of [1_000, 2_000, 4_000, 5_000, 5_000]) {
      await times(1, fail)
      await clock.advance(openForMs - 1)
      expect(breaker.state).toBe('open')
      await clock.advance(1)
      expect(breaker.state).toBe('half-open')
    }
    await times(1, () => 1)
    expect(breaker.state).toBe('closed')
    await times(1, fail)
    await clock.advance(1_000)
    expect(breaker.state).toBe('half-open')
  })

  test('becomes half-open by time, without a call, and the status shows it', async () => {
    const { clock, s, status, times } = setUp({ trip: consecutive(1), openFor: '10s' })
    await times(1, fail)
    expect(status()).toMatchObject({ state: 'open', openedAt: 0, retryAfterMs: 10_000 })
    await clock.advance('10s')
    expect(status()).toMatchObject({ state: 'half-open' })
    void s
  })

  test('emits the stateChange to half-open when the open period ends, without a call', async () => {
    const { clock, breaker, s, times } = setUp({ trip: consecutive(1), openFor: '10s' })
    const events: unknown[] = []
    breaker.on('stateChange', (change) => events.push(change))
    s.on('stateChange', ({ shield, policy, to }) => events.push([shield, policy, to]))
    await times(1, fail)
    await clock.advance('1h')
    const counts = { failures: 1, calls: 1, lastFailure: { name: 'Error', code: undefined, at: 0 } }
    expect(events).toEqual([
      { from: 'closed', to: 'open', reason: '1 consecutive failures', at: 0, ...counts },
      ['s', 'circuitBreaker', 'open'],
      { from: 'open', to: 'half-open', reason: expect.any(String), at: 10_000, ...counts },
      ['s', 'circuitBreaker', 'half-open'],
    ])
    expect(clock.pending).toBe(0)
  })

  test('shows the count that opened it while open and half-open; closing sets it to 0', async () => {
    const { clock, status, times } = setUp({ trip: failureRate({ minimumCalls: 4, window: '5s' }), openFor: '10s' })
    await times(1, () => 1)
    await times(3, fail)
    expect(status()).toMatchObject({ state: 'open', failures: 3, calls: 4 })
    await clock.advance('10s')
    expect(status()).toMatchObject({ state: 'half-open', failures: 3, calls: 4 })
    await times(1, () => 1)
    expect(status()).toMatchObject({ state: 'closed', failures: 0, calls: 0 })
  })

  test('the status counts failures in a row for consecutive, those in the window otherwise', async () => {
    const inRow = setUp({ trip: consecutive(9) })
    const within = setUp({ trip: failureRate({ minimumCalls: 100 }) })
    for (const { times } of [inRow, within]) {
      await times(3, fail)
      await times(1, () => 1)
      await times(2, fail)
    }
    expect(inRow.status()).toMatchObject({ failures: 2, calls: 6 })
    expect(within.status()).toMatchObject({ failures: 5, calls: 6 })
  })
})

test('10 000 calls that fail in one tick open the circuit once', async () => {
  const { breaker, s } = setUp({ trip: consecutive(3) })
  let opened = 0
  breaker.on('stateChange', () => {
    opened += 1
  })
  await Promise.allSettled(Array.from({ length: 10_000 }, () => s.run(fail)))
  expect([breaker.state, opened]).toEqual(['open', 1])
})
