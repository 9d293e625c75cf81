import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import {
  type CircuitBreakerOptions,
  circuitBreaker,
  consecutive,
  exponential,
  linear,
  seededRandom,
  shield,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { fail } from './setup.ts'

/** Opens a circuit `n` times in a row. Returns the lengths of its open periods. */
async function openPeriods(
  openFor: CircuitBreakerOptions['openFor'],
  n: number,
  random: () => number = () => 0.5,
  error: () => unknown = fail,
): Promise<number[]> {
  const clock = virtualClock()
  const options = openFor === undefined ? {} : { openFor }
  const s = shield({ name: 'open', clock, random }, circuitBreaker({ trip: consecutive(1), ...options }))
  const lengths: number[] = []
  for (let opening = 0; opening < n; opening += 1) {
    await s.run(error as never).catch(() => {})
    const { retryAfterMs } = s.status().policies[0] as unknown as { retryAfterMs: number }
    lengths.push(retryAfterMs)
    await clock.advance(retryAfterMs)
  }
  return lengths
}

describe('openFor with a backoff', () => {
  test('grows with each consecutive opening, with the jitter of the backoff', async () => {
    const backoff = exponential({ base: '1s', max: '8s', jitter: 'full' })
    expect(await openPeriods(backoff, 5)).toEqual([500, 1_000, 2_000, 4_000, 4_000])
    expect(await openPeriods(linear({ base: '1s', step: '1s', max: '3s' }), 4)).toEqual([1_000, 2_000, 3_000, 3_000])
  })

  test('gives a decorrelated backoff the open period before', async () => {
    const backoff = exponential({ base: '1s', max: '1m', jitter: 'decorrelated' })
    expect(await openPeriods(backoff, 3)).toEqual([2_000, 3_500, 5_750])
  })

  test('draws from the random source of the shield', async () => {
    const backoff = exponential({ base: '10s', max: '10s', jitter: 'full' })
    const [one, two, again] = await Promise.all([1, 2, 1].map((seed) => openPeriods(backoff, 3, seededRandom(seed))))
    expect(one).toEqual(again)
    expect(one).not.toEqual(two)
  })

  test('property: an open period is at least 1 ms and at most the maximum of the backoff', async () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    const jitter = fc.constantFrom('none' as const, 'full' as const, 'equal' as const, 'decorrelated' as const)
    await fc.assert(
      fc.asyncProperty(
        jitter,
        fc.integer({ min: 0, max: 500 }),
        fc.array(random, { minLength: 8 }),
        async (kind, base, draws) => {
          let drawn = 0
          const next = (): number => draws[drawn++ % draws.length] as number
          const lengths = await openPeriods(exponential({ base, max: base * 5, jitter: kind }), 5, next)
          for (const length of lengths) {
            expect(length).toBeGreaterThanOrEqual(1 - 1e-6)
            // The remaining time is a difference of instants, which is rounded.
            expect(length).toBeLessThanOrEqual(Math.max(1, base * 5) + 1e-6)
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('openFor as a function', () => {
  test('receives the number of the opening and the last failure', async () => {
    const openFor = vi.fn((opening: number) => opening * 1_000)
    const error = (): Promise<never> => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))
    expect(await openPeriods(openFor, 3, undefined, error)).toEqual([1_000, 2_000, 3_000])
    expect(openFor.mock.calls[1]).toEqual([2, { name: 'Error', code: 'ECONNREFUSED', at: 1_000 }])
  })

  test('a longer Retry-After still extends the open period', async () => {
    const error = (): Promise<never> => Promise.reject(Object.assign(new Error('down'), { retryAfterMs: 30_000 }))
    expect(await openPeriods(() => 1_000, 1, undefined, error)).toEqual([30_000])
  })

  test.each<[string, () => unknown]>([
    ['throws', () => JSON.parse('')],
    ['returns NaN', () => Number.NaN],
    ['returns a negative number', () => -1],
    ['returns Infinity', () => Number.POSITIVE_INFINITY],
    ['returns nothing', () => undefined],
    ['returns a promise', async () => 1_000],
    ['returns a rejected promise', async () => JSON.parse('')],
  ])('that %s opens the circuit for 10 s and is reported once', async (_, openFor) => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    expect(await openPeriods(openFor as never, 3)).toEqual([10_000, 10_000, 10_000])
    expect(emitWarning.mock.calls.filter(([text]) => String(text).startsWith('circuitBreaker.openFor'))).toHaveLength(1)
    emitWarning.mockRestore()
  })

  test('that returns 0 opens it for 1 ms: a circuit that opens is open', async () => {
    expect(await openPeriods(() => 0, 2)).toEqual([1, 1])
  })

  test('is not called for the hint of a half-open circuit', async () => {
    const clock = virtualClock()
    const openFor = vi.fn(() => 5_000)
    const s = shield({ name: 'hint', clock }, circuitBreaker({ trip: consecutive(1), openFor }))
    await s.run(fail).catch(() => {})
    await clock.advance('5s')
    void s.run(() => new Promise(() => {}))
    await expect(s.run(() => 1)).rejects.toMatchObject({ retryAfterMs: 5_000 })
    expect(openFor).toHaveBeenCalledTimes(1)
  })
})
