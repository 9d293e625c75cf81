import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GROWTH, LatencyHistogram, SHORTEST_MS } from '../latency-histogram.ts'

const SHARES = [0, 0.5, 0.95, 0.99, 1]
const latencies = fc.array(fc.double({ min: 0.001, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 300 })

test('returns every percentile within 1 % of the exact value for any latencies', () => {
  fc.assert(
    fc.property(latencies, (values) => {
      expectClose(histogram(values), values)
    }),
  )
})

test('merges two histograms into the histogram of all their latencies', () => {
  fc.assert(
    fc.property(latencies, latencies, (some, others) => {
      const merged = histogram(some)
      merged.merge(histogram(others))
      expect(merged.total).toBe(some.length + others.length)
      expectClose(merged, [...some, ...others])
    }),
  )
})

test('returns null without latencies, and 0 for a latency of zero', () => {
  expect(new LatencyHistogram().percentile(0.5)).toBeNull()
  expect(histogram([0, 0, 5]).percentile(0.5)).toBe(0)
  const merged = new LatencyHistogram()
  merged.merge(new LatencyHistogram())
  expect(merged.percentile(0.99)).toBeNull()
})

test('counts a latency beyond eleven days as the longest, without throwing', () => {
  expect(histogram([1, Number.MAX_VALUE]).percentile(1)).toBeGreaterThan(9e8)
})

test('finds the bucket of a latency as a logarithm does', () => {
  fc.assert(
    fc.property(fc.double({ min: SHORTEST_MS, max: 1e9, noNaN: true }), (latencyMs) => {
      const bucket = LatencyHistogram.bucketOf(latencyMs)
      const start = SHORTEST_MS * GROWTH ** bucket
      expect(latencyMs).toBeGreaterThanOrEqual(start)
      if (latencyMs < 9e8) expect(latencyMs).toBeLessThan(start * GROWTH * (1 + 1e-12))
    }),
    { numRuns: 2_000 },
  )
  for (let bucket = 0; bucket < 1_300; bucket += 1) {
    const start = SHORTEST_MS * GROWTH ** bucket
    expect(LatencyHistogram.bucketOf(start)).toBe(bucket)
    if (bucket > 0) expect(LatencyHistogram.bucketOf(start * (1 - 1e-15))).toBe(bucket - 1)
  }
  expect(LatencyHistogram.bucketOf(SHORTEST_MS / 2)).toBe(-1)
})

test('counts exactly, however many latencies are in a bucket', () => {
  const part = fc.array(fc.tuple(fc.integer({ min: -1, max: 40 }), fc.integer({ min: 1, max: 70_000 })), {
    maxLength: 20,
  })
  fc.assert(
    fc.property(part, part, (some, others) => {
      const [one, other] = [some, others].map((counts) => {
        const built = new LatencyHistogram()
        for (const [bucket, count] of counts) {
          if (bucket < 0) for (let left = count % 100; left > 0; left -= 1) built.addBucket(bucket)
          else built.addMany(bucket, count)
        }
        return built
      }) as [LatencyHistogram, LatencyHistogram]
      const sums = new Map<number, number>()
      for (const [bucket, count] of [...some, ...others])
        sums.set(bucket, (sums.get(bucket) ?? 0) + (bucket < 0 ? count % 100 : count))
      one.merge(other)
      const wanted = [...sums].filter(([, count]) => count > 0).sort(([a], [b]) => a - b)
      expect([...one.buckets()]).toEqual(wanted)
      expect([...LatencyHistogram.of(one.state).buckets()]).toEqual(wanted)
      one.subtract(other)
      other.merge(one)
      expect([...other.buckets()]).toEqual(wanted)
      expect(other.total).toBe(wanted.reduce((sum, [, count]) => sum + count, 0))
    }),
  )
})

test('counts one by one beyond what fits into two bytes', () => {
  const built = new LatencyHistogram()
  for (let count = 0; count < 65_537; count += 1) built.addBucket(7)
  expect([...built.buckets()]).toEqual([[7, 65_537]])
})

function histogram(values: readonly number[]): LatencyHistogram {
  const built = new LatencyHistogram()
  for (const value of values) built.add(value)
  return built
}

function expectClose(built: LatencyHistogram, values: readonly number[]): void {
  const sorted = [...values].sort((a, b) => a - b)
  for (const share of SHARES) {
    const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? Number.NaN
    const got = built.percentile(share) ?? Number.NaN
    expect(Math.abs(got - exact) / exact).toBeLessThanOrEqual(0.01 + 1e-9)
  }
}
