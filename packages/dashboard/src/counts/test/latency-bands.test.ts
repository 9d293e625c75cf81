import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bandLimits, bandStart, countsOf, latencyBands, ZERO_BAND } from '../latency-bands.ts'
import { LatencyHistogram } from '../latency-histogram.ts'

/** Latencies from a microsecond to a day. */
const latency = fc.double({ min: -6, max: 7.9, noNaN: true }).map((power) => 10 ** power)

describe('the bands of latencies', () => {
  it('count each latency in the band between whose limits it is', () => {
    fc.assert(
      fc.property(fc.array(latency, { maxLength: 60 }), fc.nat(5), (latencies, zeros) => {
        const histogram = new LatencyHistogram()
        for (const ms of [...latencies, ...new Array<number>(zeros).fill(0)]) histogram.add(ms)
        const counts = countsOf(latencyBands(histogram))
        expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(histogram.total)
        for (const [band, count] of counts) {
          const { from, to } = bandLimits(band)
          // The edge of a bucket is rounded.
          const within = [...latencies, ...new Array<number>(zeros).fill(0)].filter((ms) => ms >= from && ms < to)
          const near = latencies.filter((ms) => Math.abs(ms / from - 1) < 1e-9 || Math.abs(ms / to - 1) < 1e-9)
          expect(Math.abs(within.length - count)).toBeLessThanOrEqual(near.length)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('follow each other, each about 1.5 times as wide as the one before', () => {
    for (let band = 0; band < 60; band += 1) {
      const { from, to } = bandLimits(band)
      expect(to).toBe(bandLimits(band + 1).from)
      expect(to / from).toBeCloseTo(1.486, 3)
      expect(from).toBe(bandStart(band))
    }
    expect(bandLimits(ZERO_BAND)).toEqual({ from: 0, to: bandStart(0) })
  })

  it('are the same after histograms were merged and parts taken away', () => {
    const [all, part] = [new LatencyHistogram(), new LatencyHistogram()]
    for (const ms of [0, 1, 1, 20, 300]) all.add(ms)
    for (const ms of [1, 300]) part.add(ms)
    all.subtract(part)
    expect([...countsOf(latencyBands(all)).values()]).toEqual([1, 1, 1])
    all.merge(part)
    expect([...countsOf(latencyBands(all)).values()]).toEqual([1, 2, 1, 1])
  })
})
