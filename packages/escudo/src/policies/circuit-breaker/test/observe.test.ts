import { describe, expect, test } from 'vitest'
import { explain } from '../../../index.ts'
import { fail, gate, never, setUp } from './setup.ts'

describe("mode 'observe' counts, changes the state and emits events, but rejects nothing", () => {
  test('lets all calls through while open and half-open; the probes among them close the circuit', async () => {
    const { clock, s, changes, status, times, errorOf } = setUp({ mode: 'observe' })
    await times(1, fail)
    expect(await errorOf(fail)).toMatchObject({ message: 'down' })
    expect(status()).toMatchObject({ state: 'open', failures: 1, calls: 1, retryAfterMs: 10_000 })
    expect(await s.run(() => 'through')).toBe('through')
    await clock.advance('10s')
    expect(status()).toMatchObject({ state: 'half-open' })
    expect(await s.run(() => 'through')).toBe('through')
    expect(changes.map(({ to, at }) => [to, at])).toEqual([
      ['open', 0],
      ['half-open', 10_000],
      ['closed', 10_000],
    ])
    expect(clock.pending).toBe(0)
  })

  test('lets 1000 concurrent calls through while half-open, and exactly N of them decide', async () => {
    const { clock, breaker, s, times } = setUp({ mode: 'observe', halfOpen: { probes: 2 } })
    await times(1, fail)
    await clock.advance('10s')
    const gates = Array.from({ length: 1_000 }, () => gate())
    const running = gates.map(({ promise }) => s.run(() => promise))
    for (const { reject } of gates.slice(2)) reject(new Error('down'))
    await Promise.allSettled(running.slice(2))
    expect(breaker.state).toBe('half-open')
    gates[0]?.resolve()
    gates[1]?.resolve()
    await Promise.all(running.slice(0, 2))
    expect(breaker.state).toBe('closed')
  })

  test('opens the circuit again if the lease of a probe ends', async () => {
    const { clock, s, times, changes } = setUp({ mode: 'observe', halfOpen: { lease: '4s' } })
    await times(1, fail)
    await clock.advance('10s')
    void s.run(never)
    await clock.advance('4s')
    expect(changes.at(-1)).toMatchObject({ to: 'open', at: 14_000 })
  })

  test('rejects nothing while isolated, and applies no ramp', async () => {
    const { clock, breaker, s, times, status } = setUp(
      { mode: 'observe', ramp: { steps: [0.01], each: '1h' } },
      () => 0.99,
    )
    breaker.isolate()
    expect(await s.run(() => 1)).toBe(1)
    breaker.reset()
    await times(1, fail)
    await clock.advance('10s')
    await times(1, () => 1)
    expect(await s.run(() => 1)).toBe(1)
    expect(status()).toEqual({ name: 'circuitBreaker', type: 'circuitBreaker', state: 'closed', failures: 0, calls: 1 })
  })

  test('sets its timer once for any number of calls while open', async () => {
    const { clock, times } = setUp({ mode: 'observe' })
    let timers = 0
    const { setTimer } = clock
    clock.setTimer = (...args) => {
      timers += 1
      return setTimer(...args)
    }
    await times(1, fail)
    await times(1_000, () => 1)
    expect([timers, clock.pending]).toEqual([1, 1])
  })

  test('explain() of a failure shows the state of the circuit', async () => {
    const { errorOf, times } = setUp({ mode: 'observe' })
    await times(1, fail)
    expect(explain(await errorOf(fail))?.policies).toMatchObject([
      { type: 'circuitBreaker', state: 'open', failures: 1 },
    ])
  })
})
