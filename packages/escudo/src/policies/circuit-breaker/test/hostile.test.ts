import { describe, expect, test, vi } from 'vitest'
import { type Clock, circuitBreaker, consecutive, explain, failureRate, shield, systemClock } from '../../../index.ts'
import { fail, gate, never, setUp } from './setup.ts'

const WHY = {
  failures: 1,
  calls: 1,
  reason: '1 consecutive failures',
  lastFailure: { name: 'Error', code: undefined, at: 0 },
}

describe('explain() of a refusal', () => {
  const states: Record<string, (made: ReturnType<typeof setUp>) => Promise<unknown>> = {
    open: async ({ clock, times }) => {
      await times(1, fail)
      await clock.advance('4s')
    },
    'half-open': async ({ clock, s, times }) => {
      await times(1, fail)
      await clock.advance('10s')
      void s.run(never)
    },
    isolated: async ({ breaker }) => breaker.isolate(),
  }
  test.each([
    ['open', { openedAt: 0, retryAfterMs: 6_000, ...WHY }, 10_000],
    ['half-open', { openedAt: 0, retryAfterMs: 10_000, ...WHY }, 20_000],
    ['isolated', { failures: 0, calls: 0, reason: 'isolated manually' }, undefined],
  ])('shows the state %s and its facts', async (state, facts, retryAt) => {
    const made = setUp()
    await states[state]?.(made)
    const refusal = await made.errorOf(() => 1)
    expect(refusal['code']).toBe('CIRCUIT_OPEN')
    expect(refusal['message']).toContain(state)
    const name = { name: 'circuitBreaker', type: 'circuitBreaker' }
    expect(explain(refusal)?.policies).toEqual([{ ...name, state, ...facts }])
    expect(explain(refusal)?.retryAt).toBe(retryAt)
    // The status shows the same facts.
    expect(made.status()).toEqual({ ...name, state, ...facts })
  })
})

describe('results of an earlier generation change nothing and emit `late`', () => {
  test.each(['isolate', 'disable', 'reset'] as const)(
    '%s starts a generation, also for a closed circuit',
    async (action) => {
      const { breaker, s, changes } = setUp()
      const late: string[] = []
      s.on('late', ({ verdict }) => late.push(verdict))
      const gates = [gate(), gate()]
      const running = gates.map(({ promise }) => s.run(() => promise))
      breaker[action]()
      if (action !== 'reset') breaker.reset()
      const before = changes.length
      gates[0]?.resolve()
      gates[1]?.reject(new Error('down'))
      await Promise.allSettled(running)
      expect(late).toEqual(['success', 'failure'])
      expect([breaker.state, changes.length]).toEqual(['closed', before])
    },
  )

  test('a late abort is not a result and emits nothing', async () => {
    const { breaker, s } = setUp()
    let late = 0
    s.on('late', () => {
      late += 1
    })
    const controller = new AbortController()
    const call = s.run(never, { signal: controller.signal }).catch(() => {})
    breaker.reset()
    controller.abort()
    await call
    expect(late).toBe(0)
  })

  test('1000 late failures neither extend the open period nor change its timer', async () => {
    const { clock, s } = setUp()
    const gates = Array.from({ length: 1_001 }, () => gate())
    const running = gates.map(({ promise }) => s.run(() => promise))
    let timers = 0
    const { setTimer } = clock
    clock.setTimer = (...args) => {
      timers += 1
      return setTimer(...args)
    }
    for (const { reject } of gates) reject(new Error('down'))
    await Promise.allSettled(running)
    expect([timers, clock.pending]).toEqual([1, 1])
  })
})

describe('listeners that act on the breaker during a change', () => {
  test('all listeners of all shields receive the changes in the order in which they happened', async () => {
    const { clock, breaker, s } = setUp()
    const other = shield({ name: 'other', clock }, breaker)
    const events: string[] = []
    other.on('stateChange', ({ shield, to }) => events.push(`${shield} ${to}`))
    s.on('stateChange', ({ shield, to }) => events.push(`${shield} ${to}`))
    breaker.on('stateChange', ({ to }) => {
      if (to === 'open') breaker.isolate()
      if (to === 'isolated') breaker.disable()
    })
    await s.run(fail).catch(() => {})
    expect(breaker.state).toBe('disabled')
    expect(events).toEqual(['open', 'isolated', 'disabled'].flatMap((to) => [`s ${to}`, `other ${to}`]))
    expect(clock.pending).toBe(0)
  })

  test('a listener resets the circuit when it is half-open: the next calls go through', async () => {
    const { clock, breaker, s, times } = setUp()
    await times(1, fail)
    breaker.on('stateChange', ({ to }) => to === 'half-open' && breaker.reset())
    await clock.advance('10s')
    expect([breaker.state, clock.pending]).toEqual(['closed', 0])
    expect(await Promise.all([s.run(() => 1), s.run(() => 2)])).toEqual([1, 2])
  })

  test('a listener calls the same shield: the call sees the new state', async () => {
    const { clock, s, errorOf, breaker } = setUp()
    const inner: unknown[] = []
    breaker.on('stateChange', async ({ to }) => inner.push(to, await s.run(() => 'through').catch(({ code }) => code)))
    await errorOf(fail)
    await clock.advance('10s')
    expect(inner.filter((value) => value === 'through' || value === 'CIRCUIT_OPEN')).toEqual([
      'CIRCUIT_OPEN',
      'through',
      'through',
    ])
    expect(breaker.state).toBe('closed')
  })

  test('listeners that throw, reject or hang do not affect the others', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { breaker, s, changes, times } = setUp()
    breaker.on('stateChange', () => {
      throw new Error('broken')
    })
    breaker.on('stateChange', async () => await fail())
    breaker.on('stateChange', never)
    let emitted = 0
    s.on('stateChange', () => {
      emitted += 1
    })
    await times(1, fail)
    breaker.reset()
    await new Promise((resolve) => setImmediate(resolve))
    expect([changes.length, emitted, warnings.mock.calls.length]).toEqual([2, 2, 2])
    warnings.mockRestore()
  })

  test('an unknown event name throws a TypeError', () => {
    expect(() => circuitBreaker().on('statechange' as 'stateChange', () => {})).toThrow(TypeError)
  })
})

describe('time', () => {
  /** A clock whose time the test sets and whose timers the test fires. */
  function manualClock() {
    const fires = new Set<() => void>()
    let nowMs = 1_000_000
    const clock: Clock = {
      now: () => nowMs,
      setTimer(fire) {
        fires.add(fire)
        return () => void fires.delete(fire)
      },
    }
    const fireAll = (): void => {
      for (const fire of [...fires]) {
        fires.delete(fire)
        fire()
      }
    }
    return { clock, fires, fireAll, set: (ms: number) => (nowMs = ms) }
  }

  test('a wall clock that jumps by an hour in either direction changes nothing', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1h' })
    const s = shield({ name: 's', clock: systemClock }, breaker)
    await s.run(fail).catch(() => {})
    const wall = vi.spyOn(Date, 'now')
    for (const jumpMs of [3_600_000, -3_600_000]) {
      wall.mockReturnValue(Date.parse('2026-01-01') + jumpMs)
      expect(breaker.state).toBe('open')
      const { retryAfterMs } = await s.run(() => 1).catch((error) => error)
      expect(retryAfterMs).toBeGreaterThan(3_590_000)
      expect(retryAfterMs).toBeLessThanOrEqual(3_600_000)
    }
    expect(wall).not.toHaveBeenCalled()
    wall.mockRestore()
    breaker.reset()
  })

  test('a clock that goes back keeps the circuit open; a timer that fires too early is set again', async () => {
    const { clock, fires, fireAll, set } = manualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const s = shield({ name: 's', clock }, breaker)
    await s.run(fail).catch(() => {})
    set(400_000)
    fireAll()
    expect([breaker.state, fires.size]).toEqual(['open', 1])
    set(1_009_999)
    fireAll()
    expect([breaker.state, fires.size]).toEqual(['open', 1])
    set(1_010_000)
    fireAll()
    expect([breaker.state, fires.size]).toEqual(['half-open', 0])
  })

  test('a clock that goes back loses no counted call', async () => {
    const { clock, set } = manualClock()
    const breaker = circuitBreaker({ trip: failureRate({ minimumCalls: 3, threshold: 1 }) })
    const s = shield({ name: 's', clock }, breaker)
    for (const ms of [1_000_000, 990_000, 400_000]) {
      set(ms)
      await s.run(fail).catch(() => {})
    }
    expect(breaker.state).toBe('open')
  })

  test('after a blocked event loop the next call is a probe and decides', async () => {
    const { clock, fires, set } = manualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s', halfOpen: { lease: '5s' } })
    const s = shield({ name: 's', clock }, breaker)
    await s.run(fail).catch(() => {})
    set(1_030_000)
    // No timer has fired yet.
    expect(await s.run(() => 'through')).toBe('through')
    expect([breaker.state, fires.size]).toEqual(['closed', 0])
  })

  test('an open period longer than 2^31 ms has its full length', async () => {
    const { clock, breaker, times } = setUp({ openFor: 2 ** 31 + 5_000 })
    await times(1, fail)
    await clock.advance(2 ** 31 + 4_999)
    expect(breaker.state).toBe('open')
    await clock.advance(1)
    expect(breaker.state).toBe('half-open')
  })
})

describe('one breaker in two shields', () => {
  test('has one timer, one lease and one set of probes', async () => {
    const { clock, breaker, s } = setUp({ halfOpen: { probes: 2 } })
    const other = shield({ name: 'other', clock }, breaker)
    await Promise.allSettled([s.run(fail), other.run(fail)])
    expect(clock.pending).toBe(1)
    await clock.advance('10s')
    const gates = Array.from({ length: 1_000 }, () => gate())
    let started = 0
    const running = gates.map(({ promise }, n) =>
      (n % 2 === 0 ? s : other).run(() => {
        started += 1
        return promise
      }),
    )
    expect([started, clock.pending]).toEqual([2, 1])
    for (const { resolve } of gates) resolve()
    await Promise.allSettled(running)
    expect([breaker.state, clock.pending]).toEqual(['closed', 0])
  })

  test('each shield emits its own late results and refusals', async () => {
    const { clock, breaker, s } = setUp()
    const other = shield({ name: 'other', clock }, breaker)
    const events: string[] = []
    for (const each of [s, other]) {
      each.on('late', ({ shield }) => events.push(`late ${shield}`))
      each.on('rejected', ({ shield }) => events.push(`rejected ${shield}`))
    }
    const early = gate()
    const call = other.run(() => early.promise)
    await s.run(fail).catch(() => {})
    early.resolve()
    await call
    await s.run(() => 1).catch(() => {})
    await other.run(() => 1).catch(() => {})
    expect(events).toEqual(['late other', 'rejected s', 'rejected other'])
  })
})

test('no timer remains after 100 000 calls in all states', async () => {
  const { clock, breaker, s, changes } = setUp({ trip: failureRate({ minimumCalls: 10 }), openFor: '1s' })
  for (let n = 0; n < 100; n += 1) {
    await Promise.allSettled(Array.from({ length: 1_000 }, () => s.run(n % 2 === 0 ? fail : () => 1)))
    await clock.advance('1s')
  }
  await s.run(() => 1).catch(() => {})
  expect([breaker.state, clock.pending]).toEqual(['closed', 0])
  expect(changes.length).toBeGreaterThan(100)
})
