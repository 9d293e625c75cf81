import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../core/random.ts'
import { LatencyQuantile, LONGEST_MS, RELATIVE_ERROR, SHORTEST_MS } from '../latency-quantile.ts'

const GENERATIONS = 10

interface Sample {
  readonly latencyMs: number
  readonly at: number
}

/** Keeps all samples and sorts them when read: exact. */
class Oracle {
  readonly samples: Sample[] = []
  readonly #quantile: number
  readonly #generationMs: number

  constructor(quantile: number, windowMs: number) {
    this.#quantile = quantile
    this.#generationMs = windowMs / GENERATIONS
  }

  within(now: number): readonly number[] {
    const generation = (at: number): number => Math.floor(at / this.#generationMs)
    return this.samples
      .filter(({ at }) => generation(at) > generation(now) - GENERATIONS)
      .map(({ latencyMs }) => latencyMs)
      .sort((a, b) => a - b)
  }

  valueMs(now: number): number | undefined {
    const sorted = this.within(now)
    return sorted[Math.max(1, Math.ceil(this.#quantile * sorted.length - 1e-9)) - 1]
  }
}

/** Expects an estimate within the documented error. Beyond the bounds it is clamped to them. */
function expectClose(estimateMs: number | undefined, exactMs: number | undefined): void {
  if (exactMs === undefined) {
    expect(estimateMs).toBeUndefined()
    return
  }
  const clampedMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, exactMs))
  expect(Math.abs((estimateMs as number) - clampedMs) / clampedMs).toBeLessThanOrEqual(RELATIVE_ERROR * (1 + 1e-9))
}

const latency = fc.oneof(
  fc.double({ min: 0, max: 5_000, noNaN: true }),
  fc.double({ min: -10, max: 18, noNaN: true }).map(Math.exp),
  fc.constantFrom(0, SHORTEST_MS, 1, 10, 100, LONGEST_MS, LONGEST_MS * 2, Number.POSITIVE_INFINITY),
)
const elapsed = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 300 }),
  fc.constantFrom(999, 1_000, 9_999, 3_600_000),
)

describe('LatencyQuantile', () => {
  test('is within 1 % of the exact quantile for any samples at any times', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0.01, 0.5, 0.9, 0.95, 0.99, 0.999),
        fc.constantFrom(1_000, 10_000),
        fc.integer({ min: -20_000, max: 20_000 }),
        fc.array(fc.tuple(latency, elapsed), { maxLength: 200, size: 'max' }),
        (quantile, windowMs, startMs, todo) => {
          const live = new LatencyQuantile(quantile, windowMs)
          const oracle = new Oracle(quantile, windowMs)
          let now = startMs
          for (const [latencyMs, afterMs] of todo) {
            now += afterMs
            // Before and after recording: it must also be right when samples have only expired.
            expectClose(live.valueMs(now), oracle.valueMs(now))
            live.record(latencyMs, now)
            oracle.samples.push({ latencyMs, at: now })
            expectClose(live.valueMs(now), oracle.valueMs(now))
            expect(live.samples(now)).toBe(oracle.within(now).length)
          }
        },
      ),
    )
  })

  test('is right even if it is read rarely', () => {
    const random = seededRandom(11)
    const live = new LatencyQuantile(0.95, 1_000)
    const oracle = new Oracle(0.95, 1_000)
    for (let at = 0; at < 20_000; at += 1) {
      const latencyMs = Math.exp(3 + 2 * random()) * (at % 5_000 < 2_500 ? 1 : 50)
      live.record(latencyMs, at)
      oracle.samples.push({ latencyMs, at })
      if (random() < 0.002) expectClose(live.valueMs(at), oracle.valueMs(at))
    }
  })

  test.each([0.07, 0.14, 0.28, 0.55, 0.56, 0.57, 0.58])(
    'the quantile %d of a hundred samples has the exact rank, not the next one',
    (quantile) => {
      const live = new LatencyQuantile(quantile, 1_000)
      // The samples are further apart than the error.
      for (let rank = 1; rank <= 100; rank += 1) live.record(1.1 ** rank, 0)
      expectClose(live.valueMs(0), 1.1 ** Math.round(quantile * 100))
    },
  )

  test('drops samples older than its window, and keeps those younger than nine tenths of it', () => {
    const live = new LatencyQuantile(0.5, 10_000)
    live.record(10, 500)
    expect(live.samples(9_499)).toBe(1)
    expect(live.samples(10_500)).toBe(0)
    expect(live.valueMs(10_500)).toBeUndefined()
  })

  test('stays right if the clock goes back or returns NaN', () => {
    const live = new LatencyQuantile(0.5, 1_000)
    live.record(10, 5_000)
    for (const now of [0, -1, Number.NaN]) {
      live.record(10, now)
      expectClose(live.valueMs(now), 10)
    }
    expect(live.samples(5_000)).toBe(4)
  })

  test('counts a NaN or negative latency as the shortest', () => {
    const live = new LatencyQuantile(0.5, 1_000)
    for (const latencyMs of [Number.NaN, -5]) live.record(latencyMs, 0)
    expect(live.valueMs(0)).toBe(SHORTEST_MS)
  })

  test('is right after a million samples', () => {
    const random = seededRandom(5)
    const live = new LatencyQuantile(0.99, 30_000)
    for (let sample = 0; sample < 1_000_000; sample += 1) live.record(random() * 100, sample / 10)
    expectClose(live.valueMs(100_000), 99)
    expect(live.samples(100_000)).toBeLessThanOrEqual(300_000)
  })
})
