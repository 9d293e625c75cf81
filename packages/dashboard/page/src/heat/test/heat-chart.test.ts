import { describe, expect, it } from 'vitest'
import { bandLimits, latencyBands, ZERO_BAND } from '../../../../src/counts/latency-bands.ts'
import { LatencyHistogram } from '../../../../src/counts/latency-histogram.ts'
import type { Column } from '../../../../src/report/view.ts'
import { formatsOf } from '../../text/format.ts'
import { countOf, heatChart, limitsOf, moved, rowAt, shadeOf } from '../heat-chart.ts'

const RANGE = { from: 0, to: 10_000, stepMs: 1_000, seconds: 10, isNow: true, isZoomed: false }

function column(at: number, ...latencies: readonly number[]): Column {
  const histogram = new LatencyHistogram()
  for (const ms of latencies) histogram.add(ms)
  return [at, latencies.length, 0, 0, null, null, null, 0, null, [], latencyBands(histogram)]
}

const chartOf = (...columns: readonly Column[]) => heatChart(RANGE, columns, formatsOf('en'))

describe('the heatmap', () => {
  it('counts each latency in the row of its limits, and the share of its column', () => {
    const chart = chartOf(column(0, 5, 5, 5, 200), column(3_000, 5))
    expect(chart.total).toBe(5)
    const row = rowAt(5, chart)
    expect(countOf(chart, { at: 0, row })).toEqual({ count: 3, all: 4 })
    expect(countOf(chart, { at: 1_000, row })).toEqual({ count: 0, all: 0 })
    expect(limitsOf(row, chart)).toEqual(bandLimits(row))
    expect(limitsOf(row, chart).from).toBeLessThanOrEqual(5)
    expect(limitsOf(row, chart).to).toBeGreaterThan(5)
  })

  it('has latencies of 0 in a row below the others', () => {
    const chart = chartOf(column(0, 0, 0, 12))
    expect(chart.zeroRow).toBe(chart.rows.lowest)
    expect(limitsOf(chart.zeroRow as number, chart)).toEqual(bandLimits(ZERO_BAND))
    expect(countOf(chart, { at: 0, row: chart.zeroRow as number }).count).toBe(2)
    expect(chartOf(column(0, 0)).total).toBe(1)
  })

  it('leaves out columns beyond the range, and those without a source of bands', () => {
    const bare = column(4_000, 5).slice(0, 10) as unknown as Column
    expect(chartOf(column(-1_000, 5), column(10_000, 5), bare).total).toBe(0)
  })

  it('has at most five shades, from round numbers', () => {
    const many = (count: number) => column(0, ...new Array<number>(count).fill(5))
    expect(chartOf(many(1)).steps).toEqual([1])
    expect(chartOf(many(50)).steps).toEqual([1, 5, 20])
    expect(chartOf(many(980)).steps).toEqual([1, 5, 20, 100, 500])
    expect(chartOf().steps).toEqual([])
    expect([0, 1, 4, 5, 499, 500].map((count) => shadeOf(count, [1, 5, 20, 100, 500]))).toEqual([0, 0, 0, 1, 3, 4])
  })

  it('moves between columns with latencies, and begins at the busiest row of the newest', () => {
    const chart = chartOf(column(0, 5), column(3_000, 5, 5, 300), column(7_000, 300))
    const newest = moved(chart, undefined, 0, 0)
    expect(newest).toEqual({ at: 7_000, row: rowAt(300, chart) })
    expect(moved(chart, newest, -1, 0)).toEqual({ at: 3_000, row: rowAt(300, chart) })
    expect(moved(chart, newest, -10, 0)?.at).toBe(0)
    expect(moved(chart, newest, Number.NEGATIVE_INFINITY, 0)?.at).toBe(0)
    expect(moved(chart, newest, Number.POSITIVE_INFINITY, 0)?.at).toBe(7_000)
    expect(moved(chart, newest, 0, 99)?.row).toBe(chart.rows.highest)
    expect(moved(chart, newest, 0, -99)?.row).toBe(chart.rows.lowest)
    // Its column has moved out of the range.
    expect(moved(chart, { at: -5_000, row: newest?.row ?? 0 }, 0, 0)?.at).toBe(0)
    expect(moved(chartOf(), undefined, 1, 0)).toBeUndefined()
  })
})
