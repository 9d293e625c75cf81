import { describe, expect, test, vi } from 'vitest'
import { FACTS } from '../../../errors/error-facts.ts'
import { bulkhead, circuitBreaker, consecutive, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const DOWN = new Error('down')
const fail = (): Promise<never> => Promise.reject(DOWN)
const business = (): Error =>
  Object.assign(new Error('not found'), { [FACTS]: { code: 'ITEM_NOT_FOUND', status: 404, kind: 'business' } })

function gate<T = unknown>() {
  let resolve: (value: T) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((...settle) => {
    ;[resolve, reject] = settle
  })
  return { promise, resolve, reject }
}

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

  test('a late failure from the closed era does not re-open a half-open circuit', async () => {
    const { clock, breaker, early, call, late } = await withEarlyCall()
    await clock.advance('10s')
    early.reject(DOWN)
    await call
    expect(breaker.state).toBe('half-open')
    expect(late).toEqual(['failure'])
  })

  test('a late success from the closed era does not close a half-open circuit', async () => {
    const { clock, breaker, s, early, call, late } = await withEarlyCall()
    await clock.advance('10s')
    early.resolve('ok')
    expect(await call).toBe('ok')
    expect(breaker.state).toBe('half-open')
    await s.run(() => 1)
    // One of two probes: had the late one counted, the circuit would be closed now.
    expect(breaker.state).toBe('half-open')
    expect(late).toEqual(['success'])
  })

  test('a late result while open neither prolongs nor shortens it', async () => {
    const { clock, breaker, early, call } = await withEarlyCall()
    await clock.advance('5s')
    early.reject(DOWN)
    await call
    await clock.advance('5s')
    expect(breaker.state).toBe('half-open')
  })

  test('a late failure after the circuit has closed again is not counted', async () => {
    const { clock, breaker, s, early, call } = await withEarlyCall()
    await clock.advance('10s')
    for (let n = 0; n < 2; n += 1) await s.run(() => 1)
    expect(breaker.state).toBe('closed')
    await s.run(fail).catch(() => {})
    early.reject(DOWN)
    await call
    expect(breaker.state).toBe('closed')
  })

  test('a late probe from an earlier half-open era does not decide the next one', async () => {
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

  test('a business error is ignored: a 404 opens no circuit, and begins no count again', async () => {
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

  test("the caller's own abort is ignored, also when the operation rejects with its reason", async () => {
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

  test('a timeout further out is a failure of the breaker inside, at the moment of the timeout', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, timeout('1s'), breaker)
    const call = s.run(() => new Promise(() => {})).catch((error) => error.code)
    await clock.advance('1s')
    expect(breaker.state).toBe('open')
    expect(await call).toBe('TIMEOUT')
  })

  test('the deadline that the caller gave is a failure of the breaker inside too: only its signal is its abort', async () => {
    const { clock, breaker, s } = setUp()
    const call = s.run(() => new Promise(() => {}), { deadline: '1s' }).catch((error) => error.code)
    await clock.advance('1s')
    expect(await call).toBe('DEADLINE_EXCEEDED')
    expect(breaker.state).toBe('open')
  })

  test('a timeout further in is a failure', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, breaker, timeout('1s'))
    const call = s.run(() => new Promise(() => {})).catch(() => {})
    await clock.advance('1s')
    await call
    expect(breaker.state).toBe('open')
  })

  test('a call that a timeout cut off is counted once: its late success and its late failure are not', async () => {
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

  test('refusals by a bulkhead further in are ignored', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, breaker, bulkhead({ limit: 1 }))
    void s.run(() => new Promise(() => {}))
    await expect(s.run(() => 1)).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    expect(s.status().policies[0]).toMatchObject({ state: 'closed', calls: 0 })
  })
})

describe('classify', () => {
  test('judges values and errors, business errors included, and is asked once for each', async () => {
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

  test("never hears of the caller's abort nor of refusals from inside", async () => {
    const clock = virtualClock()
    const classify = vi.fn(() => 'failure' as const)
    const s = shield({ name: 's', clock }, circuitBreaker({ trip: consecutive(1), classify }), bulkhead({ limit: 1 }))
    const controller = new AbortController()
    // Not deaf: it rejects with the reason, and there is an outcome to judge.
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

  test('that throws over an error keeps the original as cause, gives the permit back, and counts neither way', async () => {
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

  test('that throws over a value is asked once, and what it threw is not judged as if the operation had thrown it', async () => {
    const clock = virtualClock()
    const bug = new TypeError('bug in classify')
    const classify = vi.fn(() => {
      throw bug
    })
    const s = shield({ name: 's', clock }, circuitBreaker({ trip: consecutive(1), classify }))
    await expect(s.run(() => 42)).rejects.toBe(bug)
    expect(classify).toHaveBeenCalledTimes(1)
    // An error that is its own cause sends whoever walks the causes round in a circle.
    expect(bug.cause).toBeUndefined()
    expect(s.status().policies[0]).toMatchObject({ state: 'closed', calls: 0 })
  })

  test('that answers with no verdict is a TypeError, and the permit of a probe comes back all the same', async () => {
    const clock = virtualClock()
    let answer: unknown = 'failure'
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1s', classify: () => answer as never })
    const s = shield({ name: 's', clock }, breaker)
    await s.run(() => 1)
    await clock.advance('1s')
    answer = 'maybe'
    await expect(s.run(() => 1)).rejects.toThrow(TypeError)
    answer = 'success'
    expect(await s.run(() => 1)).toBe(1)
    expect(breaker.state).toBe('closed')
  })
})
