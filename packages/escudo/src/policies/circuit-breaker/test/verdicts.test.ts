import { describe, expect, test, vi } from 'vitest'
import { FACTS } from '../../../errors/error-facts.ts'
import { bulkhead, circuitBreaker, consecutive, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { gate } from './setup.ts'

const DOWN = new Error('down')
const fail = (): Promise<never> => Promise.reject(DOWN)
const business = (): Error =>
  Object.assign(new Error('not found'), { [FACTS]: { code: 'ITEM_NOT_FOUND', status: 404, kind: 'business' } })

describe('a result of an earlier generation changes nothing', () => {
  async function withEarlyCall() {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(2), openFor: '10s', halfOpen: { probes: 2 } })
    const s = shield({ name: 's', clock }, breaker)
    const late: unknown[] = []
    s.on('late', ({ verdict }) => late.push(verdict))
    const early = gate()
    const call = s.run(() => early.promise).catch((error) => error)
    for (let n = 0; n < 2; n += 1) await s.run(fail).catch(() => {})
    return { clock, breaker, s, early, call, late }
  }

  test('a late failure from the closed state does not reopen a half-open circuit', async () => {
    const { clock, breaker, early, call, late } = await withEarlyCall()
    await clock.advance('10s')
    early.reject(DOWN)
    await call
    expect(breaker.state).toBe('half-open')
    expect(late).toEqual(['failure'])
  })

  test('a late success from the closed state does not close a half-open circuit', async () => {
    const { clock, breaker, s, early, call, late } = await withEarlyCall()
    await clock.advance('10s')
    early.resolve('ok')
    expect(await call).toBe('ok')
    expect(breaker.state).toBe('half-open')
    await s.run(() => 1)
    // One success of two probes. If the late success had counted, the circuit would be closed now.
    expect(breaker.state).toBe('half-open')
    expect(late).toEqual(['success'])
  })

  test('a late result while open neither extends nor shortens the open period', async () => {
    const { clock, breaker, early, call } = await withEarlyCall()
    await clock.advance('5s')
    early.reject(DOWN)
    await call
    await clock.advance('5s')
    expect(breaker.state).toBe('half-open')
  })

  test('a late failure is not counted after the circuit has closed again', async () => {
    const { clock, breaker, s, early, call } = await withEarlyCall()
    await clock.advance('10s')
    for (let n = 0; n < 2; n += 1) await s.run(() => 1)
    expect(breaker.state).toBe('closed')
    await s.run(fail).catch(() => {})
    early.reject(DOWN)
    await call
    expect(breaker.state).toBe('closed')
  })

  test('a late probe does not decide a later half-open state', async () => {
    const { clock, breaker, s } = await withEarlyCall()
    await clock.advance('10s')
    const slow = gate()
    const slowProbe = s.run(() => slow.promise)
    await s.run(fail).catch(() => {})
    expect(breaker.state).toBe('open')
    await clock.advance('10s')
    slow.resolve(1)
    await slowProbe
    await s.run(() => 1)
    expect(breaker.state).toBe('half-open')
  })
})

describe('verdicts', () => {
  const setUp = () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    return { clock, breaker, s: shield({ name: 's', clock }, breaker) }
  }

  test('a business error is ignored: a 404 neither opens the circuit nor resets the count', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(2) })
    const s = shield({ name: 's', clock }, breaker)
    for (let n = 0; n < 50; n += 1) await s.run(() => Promise.reject(business())).catch(() => {})
    expect(s.status().policies[0]).toMatchObject({ state: 'closed', failures: 0, calls: 0 })
    await s.run(fail).catch(() => {})
    await s.run(() => Promise.reject(business())).catch(() => {})
    await s.run(fail).catch(() => {})
    expect(breaker.state).toBe('open')
  })

  test("the caller's abort is ignored, even if the operation rejects with its reason", async () => {
    const { breaker, s } = setUp()
    const controller = new AbortController()
    const call = s.run(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      { signal: controller.signal },
    )
    controller.abort(DOWN)
    await expect(call).rejects.toBe(DOWN)
    expect(s.status().policies[0]).toMatchObject({ state: 'closed', calls: 0 })
    expect(breaker.state).toBe('closed')
  })

  test('an outer timeout is a failure at the moment of the timeout', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, timeout('1s'), breaker)
    const call = s.run(() => new Promise(() => {})).catch((error) => error.code)
    await clock.advance('1s')
    expect(breaker.state).toBe('open')
    expect(await call).toBe('TIMEOUT')
  })

  test('a deadline set by the caller is a failure; only its signal is an abort', async () => {
    const { clock, breaker, s } = setUp()
    const call = s.run(() => new Promise(() => {}), { deadline: '1s' }).catch((error) => error.code)
    await clock.advance('1s')
    expect(await call).toBe('DEADLINE_EXCEEDED')
    expect(breaker.state).toBe('open')
  })

  test('an inner timeout is a failure', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, breaker, timeout('1s'))
    const call = s.run(() => new Promise(() => {})).catch(() => {})
    await clock.advance('1s')
    await call
    expect(breaker.state).toBe('open')
  })

  test('a call that a timeout cancels is counted once; its late result is not counted', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const clock = virtualClock()
      const breaker = circuitBreaker({ trip: consecutive(5) })
      const s = shield({ name: 's', clock }, timeout('1s'), breaker)
      const slow = gate()
      const call = s.run(() => slow.promise).catch(() => {})
      await clock.advance('1s')
      await call
      slow[end](DOWN)
      await clock.advance(0)
      expect(s.status().policies[1]).toMatchObject({ failures: 1, calls: 1 })
    }
  })

  test('refusals by an inner bulkhead are ignored', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, breaker, bulkhead({ limit: 1 }))
    void s.run(() => new Promise(() => {}))
    await expect(s.run(() => 1)).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    expect(s.status().policies[0]).toMatchObject({ state: 'closed', calls: 0 })
  })
})

describe('classify', () => {
  test('judges values and errors, including business errors, once each', async () => {
    const clock = virtualClock()
    const classify = vi.fn((outcome) => (outcome.ok && outcome.value === 200 ? 'success' : 'failure'))
    const breaker = circuitBreaker({ trip: consecutive(9), classify })
    const s = shield({ name: 's', clock }, breaker)
    await s.run(() => 503)
    await s.run(() => Promise.reject(business())).catch(() => {})
    expect(s.status().policies[0]).toMatchObject({ failures: 2 })
    await s.run(() => 200)
    expect(s.status().policies[0]).toMatchObject({ failures: 0, calls: 3 })
    expect(classify).toHaveBeenCalledTimes(3)
  })

  test("does not receive the caller's abort or refusals by inner policies", async () => {
    const clock = virtualClock()
    const classify = vi.fn(() => 'failure' as const)
    const s = shield({ name: 's', clock }, circuitBreaker({ trip: consecutive(1), classify }), bulkhead({ limit: 1 }))
    const controller = new AbortController()
    // The operation obeys its signal, so that there is an outcome to judge.
    const call = s.run(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      { signal: controller.signal },
    )
    await s.run(() => 1).catch(() => {})
    controller.abort()
    await call.catch(() => {})
    await clock.advance(0)
    expect(classify).not.toHaveBeenCalled()
  })

  test('that throws for an error: the original is the cause, and the call is ignored', async () => {
    const clock = virtualClock()
    const bug = new TypeError('bug in classify')
    const breaker = circuitBreaker({
      trip: consecutive(1),
      classify: () => {
        throw bug
      },
    })
    const s = shield({ name: 's', clock }, breaker)
    await expect(s.run(fail)).rejects.toBe(bug)
    expect(bug.cause).toBe(DOWN)
    expect(s.status().policies[0]).toMatchObject({ state: 'closed', calls: 0 })
  })

  test('that throws for a value is called once: its own error is not classified', async () => {
    const clock = virtualClock()
    const bug = new TypeError('bug in classify')
    const classify = vi.fn(() => {
      throw bug
    })
    const s = shield({ name: 's', clock }, circuitBreaker({ trip: consecutive(1), classify }))
    await expect(s.run(() => 42)).rejects.toBe(bug)
    expect(classify).toHaveBeenCalledTimes(1)
    // An error that is its own cause would make a walk over the causes endless.
    expect(bug.cause).toBeUndefined()
    expect(s.status().policies[0]).toMatchObject({ state: 'closed', calls: 0 })
  })

  test('that returns no verdict is a TypeError, and the permit of a probe is released', async () => {
    const clock = virtualClock()
    let verdict: unknown = 'failure'
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1s', classify: () => verdict as never })
    const s = shield({ name: 's', clock }, breaker)
    await s.run(() => 1)
    await clock.advance('1s')
    verdict = 'maybe'
    await expect(s.run(() => 1)).rejects.toThrow(TypeError)
    verdict = 'success'
    expect(await s.run(() => 1)).toBe(1)
    expect(breaker.state).toBe('closed')
  })
})
