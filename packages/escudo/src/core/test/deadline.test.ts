import { describe, expect, test, vi } from 'vitest'
import {
  type AnyPolicy,
  bulkhead,
  circuitBreaker,
  consecutive,
  definePolicy,
  explain,
  fallback,
  hedge,
  isRefusal,
  rateLimiter,
  retry,
  type Shield,
  shield,
  timeout,
} from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

const shielded = (...policies: AnyPolicy[]): Shield => shield('s', ...(policies as never[])) as unknown as Shield

// A deadline is often computed: the time that is left.
describe.each([0, -0, -1, -1e300, '0s', '0ms'] as const)('a deadline of %s', (deadline) => {
  test('rejects with DEADLINE_EXCEEDED, without calling the operation or entering a policy', async () => {
    const entered = vi.fn()
    const custom = definePolicy({
      name: 'custom',
      wrap: (next) => (call, operation) => {
        entered()
        return next(call, operation)
      },
    })
    const s = shielded(
      fallback('substitute'),
      timeout('1s'),
      retry(),
      hedge({ after: '1s' }),
      circuitBreaker({ trip: consecutive(1) }),
      rateLimiter({ limit: 5, per: '1h' }),
      bulkhead({ limit: 1 }),
      custom,
    )
    const before = s.status()
    const operation = vi.fn()
    const error = await s.run(operation, { deadline }).catch((reason) => reason)
    expect(error).toMatchObject({
      name: 'DeadlineExceededError',
      code: 'DEADLINE_EXCEEDED',
      message: "'s' was called after the deadline",
      shield: 's',
      policy: 'deadline',
    })
    expect([operation, entered].map(({ mock }) => mock.calls.length)).toEqual([0, 0])
    expect(s.status()).toEqual(before)
    expect(isRefusal(error)).toBe(false)
    expect(explain(error)?.shield).toBe('s')
  })

  test('sets no timer, and its error is a new one each time', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1s'))
    const [first, second] = await Promise.all([1, 2].map(() => s.run(() => 1, { deadline }).catch((error) => error)))
    expect([first === second, clock.pending]).toEqual([false, 0])
  })

  test('says nothing about the dependency: an outer breaker does not count it, and no retry repeats it', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const outer = shielded(retry(), breaker)
    let calls = 0
    const answer = outer.run(() => {
      calls += 1
      return shield('inner').run(() => 1, { deadline })
    })
    await expect(answer).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect([calls, breaker.state]).toEqual([1, 'closed'])
  })
})

test('an aborted signal wins over a deadline that has passed', async () => {
  const answer = shield('s').run(() => 1, { deadline: -1, signal: AbortSignal.abort('gone') })
  await expect(answer).rejects.toBe('gone')
})

test('a deadline that passes before the operation begins ends the call without calling it', async () => {
  let nowMs = 0
  const clock = { now: () => nowMs, setTimer: () => () => {} }
  const busy = definePolicy({
    name: 'busy',
    wrap: (next) => (call, operation) => {
      nowMs += 50
      return next(call, operation)
    },
  })
  const s = shield({ name: 's', clock }, busy)
  await expect(s.run(() => 'called', { deadline: 50 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  expect(await s.run(() => 'called', { deadline: 51 })).toBe('called')
  const limited = shield({ name: 's', clock }, timeout(50), busy)
  await expect(limited.run(() => 'called')).rejects.toMatchObject({ code: 'TIMEOUT' })
})

test('a maxTotal of 0 allows no retry that starts later than the first attempt', async () => {
  const clock = virtualClock()
  let calls = 0
  const failing = (): Promise<never> => {
    calls += 1
    return Promise.reject(new Error(`down ${calls}`))
  }
  const s = shield({ name: 's', clock }, retry({ maxTotal: 0, backoff: { delayMs: () => 1 } }))
  await expect(s.run(failing)).rejects.toThrow('down 1')
  expect(() => retry({ maxTotal: -1 })).toThrow('retry.maxTotal')
})

test('a hedge starts no second attempt at the deadline or later', async () => {
  const clock = virtualClock()
  let calls = 0
  const hangs = (): Promise<never> => {
    calls += 1
    return new Promise(() => {})
  }
  const s = shield({ name: 's', clock }, hedge({ after: 100 }))
  const answer = s.run(hangs, { deadline: 100 }).catch((error) => error.code)
  await clock.advance('1h')
  expect([await answer, calls]).toEqual(['DEADLINE_EXCEEDED', 1])
})
