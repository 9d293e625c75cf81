import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { defineErrors } from '../../../errors/index.ts'
import { adaptiveLimiter, circuitBreaker, consecutive, constant, retry, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/index.ts'
import { never, recorded, setUp, upstream } from './setup.ts'

const Errors = defineErrors({
  NOT_FOUND: { status: 404, message: 'not found' },
  BUSY: { status: 503, message: 'busy' },
})

describe('the samples of an adaptive limiter', () => {
  test('a value gives a sample: the duration, the calls in flight at its start, and its end', async () => {
    const { clock, s, samples } = setUp()
    await clock.advance(1_000)
    const ends: (() => void)[] = []
    const call = (): Promise<unknown> => s.run(() => new Promise<void>((resolve) => ends.push(resolve)))
    const calls = [call()]
    await clock.advance(30)
    calls.push(call())
    await clock.advance(20)
    ends[1]?.()
    await clock.advance(5)
    ends[0]?.()
    await Promise.all(calls)
    expect(samples).toEqual([
      [20, 2, false, 1_050],
      [55, 1, false, 1_055],
    ])
  })

  test.each([
    ['an answer with status 503 or 429', upstream('UPSTREAM_UNAVAILABLE'), [[50, 1, true, 50]]],
    ['a timeout of the HTTP client', upstream('UPSTREAM_TIMEOUT'), [[50, 1, true, 50]]],
    ['a catalogue error with status 503', new Errors.BUSY(), [[50, 1, true, 50]]],
    [
      'a 404 of the dependency, which is a success of the transport',
      upstream('UPSTREAM_ERROR', 'success'),
      [[50, 1, false, 50]],
    ],
    ['a business error', new Errors.NOT_FOUND(), []],
    ['a refused connection', upstream('UPSTREAM_ERROR'), []],
    ['any other failure', new Error('boom'), []],
    ['a thrown undefined', undefined, []],
  ] as const)('gives the right sample for %s', async (_, error, expected) => {
    const { clock, s, samples, status } = setUp()
    const call = s.run(() => new Promise((_, reject) => clock.setTimer(() => reject(error), 50)))
    const caught = call.catch((reason) => reason)
    await clock.advance(50)
    expect(await caught).toBe(error)
    expect(samples).toEqual(expected)
    expect(status()).toEqual({ limit: 2, inFlight: 0 })
  })

  test('an inner timeout counts as dropped; a refusal by an inner policy gives no sample', async () => {
    const clock = virtualClock()
    const { samples, algorithm } = recorded()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, adaptiveLimiter({ algorithm }), breaker, timeout('50ms'))
    const call = s.run(never).catch((error) => error.code)
    await clock.advance(50)
    expect(await call).toBe('TIMEOUT')
    expect(await s.run(never).catch((error) => error.code)).toBe('CIRCUIT_OPEN')
    expect(samples).toEqual([[50, 1, true, 50]])
  })

  test('an outer timeout or deadline counts as dropped, and holds the permit until the work ends', async () => {
    for (const by of ['timeout', 'deadline'] as const) {
      const { clock, s, samples, status } = setUp({}, ...(by === 'timeout' ? [timeout('50ms')] : []))
      let end: () => void = () => {}
      const call = s
        .run(() => new Promise<void>((resolve) => (end = resolve)), by === 'deadline' ? { deadline: '50ms' } : {})
        .catch((error) => error.code)
      await clock.advance(50)
      expect(await call).toBe(by === 'timeout' ? 'TIMEOUT' : 'DEADLINE_EXCEEDED')
      expect([samples, status()]).toEqual([[[50, 1, true, 50]], { limit: 2, inFlight: 1 }])
      await clock.advance(500)
      end()
      await clock.advance(0)
      expect([samples.length, status()]).toEqual([1, { limit: 2, inFlight: 0 }])
    }
  })

  test("the caller's abort gives no sample, even if the operation settles later", async () => {
    for (const ending of ['resolve', 'reject', 'never'] as const) {
      const { clock, s, samples, status } = setUp()
      const controller = new AbortController()
      let settle: () => void = () => {}
      const call = s
        .run(
          () =>
            new Promise<void>((resolve, reject) => {
              settle = ending === 'resolve' ? resolve : () => reject(upstream('UPSTREAM_TIMEOUT'))
            }),
          { signal: controller.signal },
        )
        .catch((reason) => reason)
      await clock.advance(10)
      controller.abort('gone')
      expect(await call).toBe('gone')
      expect(status()).toEqual({ limit: 2, inFlight: 1 })
      if (ending === 'never') continue
      settle()
      await clock.advance(0)
      expect([samples, status()]).toEqual([[], { limit: 2, inFlight: 0 }])
      expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    }
  })

  test('a call aborted before its start or between two attempts gives no sample', async () => {
    const { clock, s, samples, status } = setUp({}, retry({ maxRetries: 1, backoff: constant('10ms') }))
    const operation = vi.fn(() => Promise.reject(new Error('boom')))
    await expect(s.run(operation, { signal: AbortSignal.abort('before') })).rejects.toBe('before')
    const controller = new AbortController()
    const call = s.run(operation, { signal: controller.signal }).catch((reason) => reason)
    await clock.advance(5)
    controller.abort('meanwhile')
    expect(await call).toBe('meanwhile')
    await clock.advance(100)
    expect(operation).toHaveBeenCalledTimes(1)
    expect([samples, status()]).toEqual([[], { limit: 2, inFlight: 0 }])
  })
})
