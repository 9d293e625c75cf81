import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LatencyHistogram } from '../latency-histogram.ts'

const SHARES = [0, 0.5, 0.95, 0.99, 1]
const latencies = fc.array(fc.double({ min: 0.001, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 300 })

test('every percentile is within 1 % of the exact one, whatever the latencies', () => {
  fc.assert(
    fc.property(latencies, (values) => {
      expectClose(histogram(values), values)
    }),
  )
})

test('two histograms merged are the histogram of both', () => {
  fc.assert(
    fc.property(latencies, latencies, (some, others) => {
      const merged = histogram(some)
      merged.merge(histogram(others))
      expect(merged.total).toBe(some.length + others.length)
      expectClose(merged, [...some, ...others])
    }),
  )
})

test('no latency at all has no percentile, and one of nothing is nothing', () => {
  expect(new LatencyHistogram().percentile(0.5)).toBeNull()
  expect(histogram([0, 0, 5]).percentile(0.5)).toBe(0)
  const merged = new LatencyHistogram()
  merged.merge(new LatencyHistogram())
  expect(merged.percentile(0.99)).toBeNull()
})

test('a latency beyond eleven days costs no memory and does not throw', () => {
  expect(histogram([1, Number.MAX_VALUE]).percentile(1)).toBeGreaterThan(9e8)
})

function histogram(values: readonly number[]): LatencyHistogram {
  const made = new LatencyHistogram()
  for (const value of values) made.add(value)
  return made
}

function expectClose(made: LatencyHistogram, values: readonly number[]): void {
  const sorted = [...values].sort((a, b) => a - b)
  for (const share of SHARES) {
    const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? Number.NaN
    const got = made.percentile(share) ?? Number.NaN
    expect(Math.abs(got - exact) / exact).toBeLessThanOrEqual(0.01 + 1e-9)
  }
}
