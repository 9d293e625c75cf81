import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../../core/options/configuration-error.ts'
import { constant, exponential, type Jitter, linear } from '../backoff.ts'

const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const settings = fc
  .record({
    base: fc.double({ min: 0, max: 10_000, noNaN: true }),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    above: fc.double({ min: 0, max: 100_000, noNaN: true }),
  })
  .map(({ base, factor, above }) => ({ base, factor, max: base + above }))
const retryNumber = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(1_000, 10_000, Number.MAX_SAFE_INTEGER))

const capOf = ({ base, factor, max }: { base: number; factor: number; max: number }, retry: number): number =>
  base === 0 ? 0 : Math.min(max, base * factor ** retry)

describe('exponential', () => {
  test("jitter 'none' is the cap: base · factor^n, at most max", () => {
    fc.assert(
      fc.property(settings, retryNumber, randoms, (options, retry, random) => {
        const delayMs = exponential({ ...options, jitter: 'none' }).delayMs(retry, () => random, undefined)
        expect(delayMs).toBe(capOf(options, retry))
      }),
    )
  })

  test("jitter 'full' is random · min(max, base · factor^n)", () => {
    fc.assert(
      fc.property(settings, retryNumber, randoms, (options, retry, random) => {
        const delayMs = exponential({ ...options, jitter: 'full' }).delayMs(retry, () => random, undefined)
        expect(delayMs).toBeCloseTo(random * capOf(options, retry), 6)
        expect(delayMs).toBeGreaterThanOrEqual(0)
        expect(delayMs).toBeLessThanOrEqual(capOf(options, retry))
      }),
    )
  })

  test("jitter 'equal' is half of the cap plus a random part of the other half", () => {
    fc.assert(
      fc.property(settings, retryNumber, randoms, (options, retry, random) => {
        const cap = capOf(options, retry)
        const delayMs = exponential({ ...options, jitter: 'equal' }).delayMs(retry, () => random, undefined)
        expect(delayMs).toBeCloseTo(cap / 2 + (random * cap) / 2, 6)
        expect(delayMs).toBeGreaterThanOrEqual(cap / 2)
        expect(delayMs).toBeLessThanOrEqual(cap)
      }),
    )
  })

  test("jitter 'decorrelated' is random from base to three times the previous delay, at most max", () => {
    fc.assert(
      fc.property(settings, fc.array(randoms, { minLength: 1, maxLength: 30, size: 'max' }), (options, draws) => {
        const backoff = exponential({ ...options, jitter: 'decorrelated' })
        let previousMs: number | undefined
        draws.forEach((random, retry) => {
          const delayMs = backoff.delayMs(retry, () => random, previousMs)
          const from = options.base
          const to = Math.max(from, 3 * (previousMs ?? from))
          expect(delayMs).toBeCloseTo(Math.min(options.max, from + random * (to - from)), 6)
          expect(delayMs).toBeGreaterThanOrEqual(options.base)
          expect(delayMs).toBeLessThanOrEqual(options.max)
          previousMs = delayMs
        })
      }),
    )
  })

  test("jitter 'decorrelated' is at least base, even after a shorter retryAfterMs", () => {
    const backoff = exponential({ base: 100, max: 1_000, jitter: 'decorrelated' })
    for (const random of [0, 0.5, 0.999]) expect(backoff.delayMs(1, () => random, 0)).toBe(100)
    expect(backoff.delayMs(1, () => 0.5, 60)).toBe(140)
  })

  test('every jitter, factor and number of retries gives a finite delay from 0 to max', () => {
    fc.assert(
      fc.property(
        settings,
        retryNumber,
        randoms,
        fc.constantFrom<Jitter>('none', 'full', 'equal', 'decorrelated'),
        (options, retry, random, jitter) => {
          const delayMs = exponential({ ...options, jitter }).delayMs(retry, () => random, options.max)
          expect(Number.isFinite(delayMs)).toBe(true)
          expect(delayMs).toBeGreaterThanOrEqual(0)
          expect(delayMs).toBeLessThanOrEqual(options.max)
        },
      ),
    )
  })

  test('a factor that overflows gives max', () => {
    expect(exponential({ base: 1, factor: 1e300, max: '1h', jitter: 'none' }).delayMs(5, () => 0, undefined)).toBe(
      3_600_000,
    )
  })

  test('base 0 gives 0 after any number of retries', () => {
    for (const jitter of ['none', 'full', 'equal', 'decorrelated'] as const) {
      const backoff = exponential({ base: 0, max: 0, jitter })
      for (const retry of [0, 1, 5_000]) expect(backoff.delayMs(retry, () => 0.9, 0)).toBe(0)
    }
  })

  test('the defaults are 200 ms, factor 2, at most 10 s, full jitter', () => {
    const backoff = exponential()
    const delays = [0, 1, 2, 3, 4, 5, 6, 7].map((retry) => backoff.delayMs(retry, () => 0.5, undefined))
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
  })

  test('a max below the base is an error that names both', () => {
    expect(() => exponential({ base: '2s', max: '1s' })).toThrow(
      expect.objectContaining({ path: 'exponential.max', message: expect.stringContaining('exponential.base') }),
    )
    expect(() => exponential({ base: '20s' })).toThrow(ConfigurationError)
  })
})

describe('linear', () => {
  test('is base + n · step, at most max', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000 }),
        fc.integer({ min: 0, max: 1_000 }),
        fc.integer({ min: 0, max: 100_000 }),
        fc.integer({ min: 0, max: 10_000 }),
        (base, stepMs, above, retry) => {
          const backoff = linear({ base, step: stepMs, max: base + above })
          expect(backoff.delayMs(retry, () => 0.5, undefined)).toBe(Math.min(base + above, base + stepMs * retry))
        },
      ),
    )
  })

  test('a max below the base is an error that names the option', () => {
    expect(() => linear({ base: 100, step: 1, max: 99 })).toThrow(expect.objectContaining({ path: 'linear.max' }))
  })
})

describe('constant', () => {
  test('is the same for every retry and every random number', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(), randoms, (ms, retry, random) => {
        expect(constant(ms).delayMs(retry, () => random, 3)).toBe(ms)
      }),
    )
  })
})

test.each([
  ['constant.delay', () => constant(-1)],
  ['constant.delay', () => constant(Number.POSITIVE_INFINITY)],
  ['exponential.base', () => exponential({ base: Number.NaN })],
  ['exponential.factor', () => exponential({ factor: 0.5 })],
  ['exponential.factor', () => exponential({ factor: Number.POSITIVE_INFINITY })],
  ['exponential.max', () => exponential({ max: '10 seconds' as never })],
  ['exponential.jitter', () => exponential({ jitter: 'some' as never })],
  ['exponential.bas', () => exponential({ bas: 1 } as never)],
  ['linear.step', () => linear({ base: 1, step: -1, max: 2 })],
  ['linear.base', () => linear({ step: 1, max: 2 } as never)],
  ['linear.jitter', () => linear({ base: 1, step: 1, max: 2, jitter: 'full' } as never)],
  ['linear', () => linear(undefined as never)],
])('an invalid value is an error that names %s', (path, make) => {
  expect(make).toThrow(expect.objectContaining({ name: 'ConfigurationError', path }))
})
