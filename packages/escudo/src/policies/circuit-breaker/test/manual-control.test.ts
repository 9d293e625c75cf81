import { describe, expect, test, vi } from 'vitest'
import { type CircuitBreakerOptions, circuitBreaker, consecutive, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const fail = (): Promise<never> => Promise.reject(new Error('down'))

function setUp(options: CircuitBreakerOptions = {}) {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s', ...options })
  const s = shield({ name: 's', clock }, breaker)
  return { clock, breaker, s }
}

describe('isolate', () => {
  test('refuses every call without a hint when to come back, until reset', async () => {
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
    })
    breaker.reset()
    expect(await s.run(() => 1)).toBe(1)
  })

  test('of an open circuit ends its timer: time does not bring it back', async () => {
    const { clock, breaker, s } = setUp()
    await s.run(fail).catch(() => {})
    expect(clock.pending).toBe(1)
    breaker.isolate()
    expect(clock.pending).toBe(0)
    await clock.advance('1h')
    expect(breaker.state).toBe('isolated')
  })

  test('while calls are in flight: their results belong to an era that is over', async () => {
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
  test('closes from open, half-open, isolated and disabled, and forgets what was counted', async () => {
    for (const prepare of ['open', 'half-open', 'isolated', 'disabled'] as const) {
      const { clock, breaker, s } = setUp({ trip: consecutive(2) })
      for (let n = 0; n < 2; n += 1) await s.run(fail).catch(() => {})
      if (prepare === 'half-open') await clock.advance('10s')
      if (prepare === 'isolated') breaker.isolate()
      if (prepare === 'disabled') breaker.disable()
      expect(breaker.state).toBe(prepare)
      breaker.reset()
      expect(s.status().policies[0]).toMatchObject({ state: 'closed', failures: 0, calls: 0 })
      await s.run(fail).catch(() => {})
      expect(breaker.state).toBe('closed')
      expect(clock.pending).toBe(0)
    }
  })

  test('of a closed circuit forgets what was counted', async () => {
    const { breaker, s } = setUp({ trip: consecutive(2) })
    await s.run(fail).catch(() => {})
    breaker.reset()
    await s.run(fail).catch(() => {})
    expect(breaker.state).toBe('closed')
  })
})

test('isolated, disabled and reset by hand are told to listeners, once for each change', () => {
  const { breaker } = setUp()
  const heard: unknown[] = []
  breaker.on('stateChange', ({ from, to }) => heard.push([from, to]))
  breaker.isolate()
  breaker.isolate()
  breaker.disable()
  breaker.disable()
  breaker.reset()
  breaker.reset()
  expect(heard).toEqual([
    ['closed', 'isolated'],
    ['isolated', 'disabled'],
    ['disabled', 'closed'],
  ])
})

test('a listener that unsubscribes itself hears once', () => {
  const { breaker } = setUp()
  const listener = vi.fn(() => end())
  const end = breaker.on('stateChange', listener)
  breaker.isolate()
  breaker.reset()
  expect(listener).toHaveBeenCalledTimes(1)
})

test('a breaker that no shield has yet can be looked at and acted upon', () => {
  const breaker = circuitBreaker()
  expect(breaker.state).toBe('closed')
  breaker.isolate()
  expect(breaker.state).toBe('isolated')
  breaker.reset()
  expect(breaker.state).toBe('closed')
})

test('one breaker in two shields is one circuit: each sees what the other met, under its own name', async () => {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(2), openFor: '10s', name: 'payments' })
  const [one, other] = [shield({ name: 'one', clock }, breaker), shield({ name: 'other', clock }, breaker)]
  const heard: string[] = []
  one.on('stateChange', ({ shield, policy, to }) => heard.push(`${shield} ${policy} ${to}`))
  other.on('stateChange', ({ shield, policy, to }) => heard.push(`${shield} ${policy} ${to}`))
  await one.run(fail).catch(() => {})
  await other.run(fail).catch(() => {})
  await expect(one.run(() => 1)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', shield: 'one', policy: 'payments' })
  await expect(other.run(() => 1)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', shield: 'other' })
  expect(heard).toEqual(['one payments open', 'other payments open'])
  await clock.advance('10s')
  expect(heard.length).toBe(4)
  await other.run(() => 1)
  expect(one.status().policies[0]).toMatchObject({ state: 'closed' })
})

test('a refusal is told as rejected, with its code and its hint', async () => {
  const { s } = setUp()
  const heard: unknown[] = []
  s.on('rejected', (event) => heard.push(event))
  await s.run(fail).catch(() => {})
  await s.run(() => 1).catch(() => {})
  expect(heard).toEqual([{ shield: 's', policy: 'circuitBreaker', code: 'CIRCUIT_OPEN', retryAfterMs: 10_000 }])
})

test('a listener that closes the circuit while it opens is heard in the order in which things became true', async () => {
  const { breaker, s } = setUp()
  const heard: string[] = []
  breaker.on('stateChange', ({ to }) => to === 'open' && breaker.reset())
  breaker.on('stateChange', ({ from, to }) => heard.push(`${from} -> ${to}`))
  await s.run(fail).catch(() => {})
  expect(breaker.state).toBe('closed')
  expect(heard).toEqual(['closed -> open', 'open -> closed'])
})
