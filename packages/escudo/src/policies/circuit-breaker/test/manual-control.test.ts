import { describe, expect, test, vi } from 'vitest'
import { circuitBreaker, consecutive, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { fail, setUp } from './setup.ts'

describe('isolate', () => {
  test('rejects every call without retryAfterMs, until reset', async () => {
    const { clock, breaker, s } = setUp()
    breaker.isolate()
    await clock.advance('1h')
    const refusal = await s.run(() => 1).catch((error) => error)
    expect(refusal).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: undefined })
    expect(s.status().policies[0]).toEqual({
      name: 'circuitBreaker',
      type: 'circuitBreaker',
      state: 'isolated',
      failures: 0,
      calls: 0,
      reason: 'isolated manually',
    })
    breaker.reset()
    expect(await s.run(() => 1)).toBe(1)
  })

  test('ends the timer of an open circuit, which then stays isolated', async () => {
    const { clock, breaker, s } = setUp()
    await s.run(fail).catch(() => {})
    expect(clock.pending).toBe(1)
    breaker.isolate()
    expect(clock.pending).toBe(0)
    await clock.advance('1h')
    expect(breaker.state).toBe('isolated')
  })

  test('makes the results of calls in flight late', async () => {
    const { breaker, s } = setUp()
    let settle: (error: Error) => void = () => {}
    const call = s.run(
      () =>
        new Promise((_, reject) => {
          settle = reject
        }),
    )
    breaker.isolate()
    breaker.reset()
    settle(new Error('late'))
    await call.catch(() => {})
    expect(breaker.state).toBe('closed')
  })
})

describe('disable', () => {
  test('lets every call through and counts nothing, until reset', async () => {
    const { breaker, s } = setUp()
    breaker.disable()
    for (let n = 0; n < 50; n += 1) await expect(s.run(fail)).rejects.toThrow('down')
    expect(s.status().policies[0]).toMatchObject({ state: 'disabled', failures: 0 })
    breaker.reset()
    expect(breaker.state).toBe('closed')
    await s.run(fail).catch(() => {})
    expect(breaker.state).toBe('open')
  })
})

describe('reset', () => {
  test('closes from open, half-open, isolated and disabled, and clears the counts', async () => {
    for (const state of ['open', 'half-open', 'isolated', 'disabled'] as const) {
      const { clock, breaker, s } = setUp({ trip: consecutive(2) })
      for (let n = 0; n < 2; n += 1) await s.run(fail).catch(() => {})
      if (state === 'half-open') await clock.advance('10s')
      if (state === 'isolated') breaker.isolate()
      if (state === 'disabled') breaker.disable()
      expect(breaker.state).toBe(state)
      breaker.reset()
      expect(s.status().policies[0]).toMatchObject({ state: 'closed', failures: 0, calls: 0 })
      await s.run(fail).catch(() => {})
      expect(breaker.state).toBe('closed')
      expect(clock.pending).toBe(0)
    }
  })

  test('clears the counts of a closed circuit', async () => {
    const { breaker, s } = setUp({ trip: consecutive(2) })
    await s.run(fail).catch(() => {})
    breaker.reset()
    await s.run(fail).catch(() => {})
    expect(breaker.state).toBe('closed')
  })
})

test('isolate, disable and reset emit one stateChange for each change', () => {
  const { breaker } = setUp()
  const events: unknown[] = []
  breaker.on('stateChange', ({ from, to }) => events.push([from, to]))
  breaker.isolate()
  breaker.isolate()
  breaker.disable()
  breaker.disable()
  breaker.reset()
  breaker.reset()
  expect(events).toEqual([
    ['closed', 'isolated'],
    ['isolated', 'disabled'],
    ['disabled', 'closed'],
  ])
})

test('a listener that unsubscribes itself is notified once', () => {
  const { breaker } = setUp()
  const listener = vi.fn(() => end())
  const end = breaker.on('stateChange', listener)
  breaker.isolate()
  breaker.reset()
  expect(listener).toHaveBeenCalledTimes(1)
})

test('a breaker without a shield can be inspected and controlled', () => {
  const breaker = circuitBreaker()
  expect(breaker.state).toBe('closed')
  breaker.isolate()
  expect(breaker.state).toBe('isolated')
  breaker.reset()
  expect(breaker.state).toBe('closed')
})

test('one breaker in two shields is one circuit, with the name of each shield in its events', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(2), openFor: '10s', name: 'payments' })
  const [first, second] = [shield({ name: 'first', clock }, breaker), shield({ name: 'second', clock }, breaker)]
  const events: string[] = []
  first.on('stateChange', ({ shield, policy, to }) => events.push(`${shield} ${policy} ${to}`))
  second.on('stateChange', ({ shield, policy, to }) => events.push(`${shield} ${policy} ${to}`))
  await first.run(fail).catch(() => {})
  await second.run(fail).catch(() => {})
  await expect(first.run(() => 1)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', shield: 'first', policy: 'payments' })
  await expect(second.run(() => 1)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', shield: 'second' })
  expect(events).toEqual(['first payments open', 'second payments open'])
  await clock.advance('10s')
  expect(events.length).toBe(4)
  await second.run(() => 1)
  expect(first.status().policies[0]).toMatchObject({ state: 'closed' })
})

test('a refusal emits `rejected` with its code and retryAfterMs', async () => {
  const { s } = setUp()
  const events: unknown[] = []
  s.on('rejected', (event) => events.push(event))
  await s.run(fail).catch(() => {})
  await s.run(() => 1).catch(() => {})
  expect(events).toEqual([{ shield: 's', policy: 'circuitBreaker', code: 'CIRCUIT_OPEN', retryAfterMs: 10_000 }])
})

test('changes made by a listener are emitted in the order in which they happened', async () => {
  const { breaker, s } = setUp()
  const events: string[] = []
  breaker.on('stateChange', ({ to }) => to === 'open' && breaker.reset())
  breaker.on('stateChange', ({ from, to }) => events.push(`${from} -> ${to}`))
  await s.run(fail).catch(() => {})
  expect(breaker.state).toBe('closed')
  expect(events).toEqual(['closed -> open', 'open -> closed'])
})
