// What a program that fakes time notices, beyond the scenarios of all tools.
import { mock } from 'node:test'
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  rateLimiter,
  retry,
  shield,
  systemClock,
  timeout,
} from 'escudo'
import { virtualClock } from 'escudo/testing'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { settle } from './tools.ts'

const never = (): Promise<never> => new Promise(() => {})
const { setTimeout: realSetTimeout } = globalThis
const sleep = (ms: number): Promise<void> => new Promise((resume) => realSetTimeout(resume, ms))

/** The code of a call's error, once there is one. */
function codeOf(call: Promise<unknown>): () => string {
  let code = 'pending'
  call.then(
    () => {
      code = 'ok'
    },
    (error) => {
      code = error.code ?? String(error)
    },
  )
  return () => code
}

afterEach(() => {
  vi.useRealTimers()
  mock.timers.reset()
})

describe('timers of another time', () => {
  test('a timeout fires after fake timers with the same duration were removed', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    await shield('one test', timeout(30)).run(() => 'ok')
    mock.timers.reset()
    const code = codeOf(shield('next test', timeout(30)).run(never))
    await sleep(80)
    expect(code()).toBe('TIMEOUT')
  })

  test('a timeout fires in fake time after a call of real time left its timer armed', async () => {
    const s = shield('s', timeout(5_000))
    await s.run(() => 'ok')
    vi.useFakeTimers()
    const code = codeOf(s.run(never))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(code()).toBe('TIMEOUT')
  })

  test('calls that wait for a rate limiter go on in fake time, also if the newest one is cancelled', async () => {
    const s = shield('s', rateLimiter({ limit: 1, per: 20, maxWait: '1m' }))
    const controller = new AbortController()
    await s.run(() => 'first')
    const real = [codeOf(s.run(() => 'ok')), codeOf(s.run(() => 'ok'))]
    vi.useFakeTimers()
    const cancelled = codeOf(s.run(() => 'ok', { signal: controller.signal }))
    await sleep(60)
    await vi.advanceTimersByTimeAsync(20)
    controller.abort(new Error('cancelled'))
    await vi.advanceTimersByTimeAsync(40)
    expect([...real.map((code) => code()), cancelled()]).toEqual(['ok', 'ok', 'Error: cancelled'])
  })

  test('a call of real time ends in real time, although fake timers are in force', async () => {
    const s = shield('s', timeout(31))
    const early = codeOf(s.run(never))
    vi.useFakeTimers()
    const later = codeOf(s.run(never))
    await sleep(80)
    expect([early(), later()]).toEqual(['TIMEOUT', 'pending'])
    await vi.advanceTimersByTimeAsync(31)
    expect(later()).toBe('TIMEOUT')
  })

  test('a call of fake time ends in real time after fake timers were removed', async () => {
    const s = shield('s', timeout(32))
    vi.useFakeTimers()
    const calls = [s.run(never), shield('t', retry({ maxRetries: 0 })).run(never, { deadline: 32 })].map(codeOf)
    await vi.advanceTimersByTimeAsync(10)
    vi.useRealTimers()
    await s.run(() => 'the clock notices here')
    await sleep(80)
    expect(calls.map((code) => code())).toEqual(['TIMEOUT', 'DEADLINE_EXCEEDED'])
  })

  test('vi.clearAllTimers() does not affect later calls', async () => {
    vi.useFakeTimers()
    const s = shield('s', timeout(50))
    const slow = shield('slow', rateLimiter({ limit: 1, per: 1_000, maxWait: '1h' }))
    const lost = [s.run(never), slow.run(() => 1), slow.run(() => 2)].map(codeOf)
    vi.clearAllTimers()
    const codes = [s.run(never), slow.run(() => 3)].map(codeOf)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(codes.map((code) => code())).toEqual(['TIMEOUT', 'ok'])
    expect(lost).toHaveLength(3)
  })

  test('a bulkhead wait ends after fake timers with the same maxWait were removed', async () => {
    const s = shield('s', bulkhead({ limit: 1, queue: 5, maxWait: 33 }))
    void s.run(never)
    vi.useFakeTimers()
    void s.run(never).catch(() => {})
    vi.useRealTimers()
    const code = codeOf(s.run(never))
    await sleep(80)
    expect(code()).toBe('BULKHEAD_FULL')
  })

  test('a timer is cancelled with the functions that set it', async () => {
    const fired = vi.fn()
    const cancel = systemClock.setTimer(fired, 20)
    vi.useFakeTimers()
    cancel()
    await sleep(60)
    expect(fired).not.toHaveBeenCalled()
  })
})

describe('a health check whose timer was dropped', () => {
  test.each(['vi.clearAllTimers', 'the removal of fake timers that are faked again'])(
    'runs again, after %s',
    async (how) => {
      let checks = 0
      const operation = async (): Promise<void> => {
        checks += 1
      }
      const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1h', probe: { operation, every: 1_000 } })
      const s = shield('s', breaker)
      const enable = (): void => mock.timers.enable({ apis: ['setTimeout'] })
      if (how === 'vi.clearAllTimers') vi.useFakeTimers()
      else enable()
      await s.run(() => Promise.reject(new Error('refused'))).catch(() => {})
      let pass = async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms))
      if (how === 'vi.clearAllTimers') {
        vi.clearAllTimers()
        await pass(5_000)
      } else {
        // The tool defines the same functions again, so the clock cannot notice.
        mock.timers.reset()
        enable()
        const wait = shield('wait', retry({ maxRetries: 1, backoff: constant(5_000) }))
        void wait.run(() => Promise.reject(new Error('refused'))).catch(() => {})
        pass = async (ms) => {
          await settle()
          mock.timers.tick(ms)
          await settle()
        }
        await pass(5_000)
      }
      expect(checks).toBe(0)
      await s.run(() => 'refused').catch(() => {})
      await pass(1_000)
      expect([checks, breaker.state]).toEqual([1, 'closed'])
    },
  )
})

describe('vi.runAllTimers', () => {
  test.each([undefined, ['setTimeout', 'clearTimeout'] as const])('ends, with toFake %s', async (toFake) => {
    vi.useFakeTimers(toFake === undefined ? undefined : { toFake: [...toFake] })
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1h' })
    const limiter = shield('limiter', rateLimiter({ limit: 3, per: '1s', maxWait: '1h' }))
    const calls = [
      shield('a', timeout(50)).run(never),
      shield('b', timeout('1h')).run(() => 'ok'),
      shield('c', retry({ maxRetries: 3, backoff: constant('10s') })).run(() => Promise.reject(new Error('refused'))),
      shield('d', breaker).run(() => Promise.reject(new Error('refused'))),
      ...Array.from({ length: 10 }, () => limiter.run(() => 'ok')),
    ].map(codeOf)
    await vi.runAllTimersAsync()
    expect(calls.map((code) => code()).filter((code) => code === 'pending')).toEqual([])
    expect(breaker.state).toBe('half-open')
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('state that was recorded in fake time', () => {
  test('a circuit opened days ahead in fake time closes after openFor in real time', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: 40 })
    const s = shield('s', breaker)
    vi.useFakeTimers()
    await vi.advanceTimersByTimeAsync(10 * 86_400_000)
    await s.run(() => Promise.reject(new Error('refused'))).catch(() => {})
    vi.useRealTimers()
    expect(breaker.state).toBe('open')
    await sleep(80)
    expect(breaker.state).toBe('half-open')
  })

  test('a wall clock that jumps under fake timers does not move elapsed time', () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const before = systemClock.now()
    vi.setSystemTime(Date.now() + 3_600_000)
    expect(systemClock.now() - before).toBeLessThan(1_000)
    vi.setSystemTime(0)
    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
  })

  test('a fake clock that is set back does not move elapsed time back', () => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
    const before = systemClock.now()
    mock.timers.setTime(5)
    expect(systemClock.now()).toBe(before)
    mock.timers.tick(10)
    expect(systemClock.now()).toBe(before + 10)
  })

  test('elapsed time follows Date where a test removed performance', () => {
    const before = systemClock.now()
    vi.stubGlobal('performance', undefined)
    shield('s', timeout(1))
    const removed = systemClock.now()
    vi.unstubAllGlobals()
    expect(removed).toBeGreaterThanOrEqual(before)
    expect(systemClock.now()).toBeGreaterThanOrEqual(removed)
  })

  test('elapsed time follows performance where a tool fakes it alone', () => {
    const before = systemClock.now()
    vi.useFakeTimers({ toFake: ['performance'] })
    shield('s', timeout(1))
    const start = systemClock.now()
    vi.advanceTimersByTime(86_400_000)
    expect(systemClock.now() - start).toBe(86_400_000)
    vi.useRealTimers()
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(86_400_000)
  })

  test.each(['performance', 'performance.now'])('elapsed time follows a replaced %s', (what) => {
    let nowMs = 5
    const before = systemClock.now()
    if (what === 'performance') vi.stubGlobal('performance', { now: () => nowMs })
    else vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
    try {
      shield('s', timeout(1))
      const start = systemClock.now()
      nowMs += 86_400_000
      expect(start).toBeGreaterThanOrEqual(before)
      expect(systemClock.now() - start).toBe(86_400_000)
    } finally {
      vi.unstubAllGlobals()
      vi.restoreAllMocks()
    }
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(86_400_000)
  })
})

describe('virtualClock', () => {
  test('advances while all functions are faked, also if they were faked before the import', async () => {
    vi.useFakeTimers()
    vi.resetModules()
    const late = await import('escudo/testing')
    for (const clock of [virtualClock(), late.virtualClock()]) {
      let fired = false
      clock.setTimer(() => {
        fired = true
      }, 10)
      await clock.advance(10)
      expect(fired).toBe(true)
    }
  })
})

test('for any sequence of faking, ticking and calling, timeouts fire and time never goes back', async () => {
  const command = fc.oneof(
    fc.constantFrom('vitest' as const, 'node:test' as const, 'setTimeout alone' as const, 'real' as const),
    fc.constant('call' as const),
    fc.integer({ min: 1, max: 60 }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25, size: 'max' }), async (commands) => {
      const s = shield('s', timeout(20))
      const codes: (() => string)[] = []
      let latest = systemClock.now()
      let tick: (ms: number) => void = () => {}
      const reset = (): void => {
        vi.useRealTimers()
        mock.timers.reset()
        tick = () => {}
      }
      for (const step of commands) {
        if (step === 'call') codes.push(codeOf(s.run(never)))
        else if (typeof step === 'number') tick(step)
        else {
          reset()
          if (step === 'vitest') vi.useFakeTimers()
          else if (step !== 'real') mock.timers.enable(step === 'node:test' ? undefined : { apis: ['setTimeout'] })
          if (step === 'vitest') tick = (ms) => void vi.advanceTimersByTime(ms)
          else if (step !== 'real') tick = (ms) => mock.timers.tick(ms)
        }
        await settle()
        const now = systemClock.now()
        expect(now).toBeGreaterThanOrEqual(latest)
        latest = now
      }
      reset()
      codes.push(codeOf(s.run(never)))
      for (let waited = 0; waited < 50 && codes.some((code) => code() === 'pending'); waited += 1) await sleep(10)
      expect(codes.map((code) => code())).toEqual(codes.map(() => 'TIMEOUT'))
    }),
    { numRuns: 50 },
  )
})
