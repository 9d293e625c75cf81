import { describe, expect, it } from 'vitest'
import type { Column } from '../../../../src/report/view.ts'
import { formatsOf } from '../../text/format.ts'
import { TEXTS } from '../../text/texts.ts'
import { classChart, codeChart, latencyChart, unfinishedOf } from '../chart.ts'
import { shadeOf } from '../paint.ts'
import { axisLabels, momentLabel } from '../time-labels.ts'

const FORMAT = formatsOf('en')
const RANGE = { from: 0, to: 20_000, stepMs: 5_000, seconds: 20, isNow: true, isZoomed: false }
const COLUMNS: readonly Column[] = [
  [0, 10, 5, 0, 1, 2, 3, 0, 1.5, [200, 10, 404, 5]],
  [10_000, 0, 0, 5, null, null, null, 0, null, [503, 5]],
]

describe('a chart', () => {
  it('shows rates per second below a minute, and per minute from a minute on', () => {
    const perSecond = classChart(RANGE, COLUMNS, TEXTS.en, FORMAT)
    expect(perSecond.series.map(({ name, values }) => [name, ...values])).toEqual([
      ['server', 0, 0, 1, 0],
      ['client', 1, 0, 0, 0],
      ['good', 2, 0, 0, 0],
    ])
    expect(perSecond.format(2)).toBe('2/s')
    const perMinute = classChart({ ...RANGE, to: 60_000, seconds: 60 }, COLUMNS, TEXTS.en, FORMAT)
    expect(perMinute.format(perMinute.series[2]?.values[0] ?? 0)).toBe('120/min')
  })

  it('keeps a gap where no latency is known', () => {
    const { series, format } = latencyChart(RANGE, COLUMNS, TEXTS.en, FORMAT)
    expect(series.map(({ name, values }) => [name, ...values])).toEqual([
      ['p50', 1, null, null, null],
      ['p95', 2, null, null, null],
      ['p99', 3, null, null, null],
      ['mean', 1.5, null, null, null],
    ])
    expect(format(1.5)).toBe('1.5\u00a0ms')
  })

  it('shows requests by status code, the rarest together, server errors at the bottom', () => {
    const many = Array.from({ length: 20 }, (_, index) => [400 + index, 20 - index]).flat()
    const columns: readonly Column[] = [[0, 9, 0, 0, null, null, null, 0, null, [200, 500, ...many, 503, 100, 0, 7]]]
    const { series } = codeChart(RANGE, columns, TEXTS.en, FORMAT)
    expect(series.map(({ name }) => name)).toEqual([
      ...['503', '405', '404', '403', '402', '401', '400', '200'],
      'others',
    ])
    const drawn = series.reduce((sum, { values }) => sum + (values[0] ?? 0), 0)
    expect(drawn * 5).toBeCloseTo(500 + 210 + 100 + 7)
  })

  it('gives each of eight codes of a class its own paint', () => {
    for (const name of ['good', 'client', 'server'] as const) {
      const paints = Array.from({ length: 8 }, (_, nth) => JSON.stringify(shadeOf(name, nth)))
      expect(new Set(paints).size).toBe(8)
    }
  })

  it('knows the column that is not over yet', () => {
    expect(unfinishedOf(RANGE, 17_000)).toBe(15_000)
    expect(unfinishedOf(RANGE, 20_000)).toBeUndefined()
    expect(unfinishedOf(RANGE, 90_000)).toBeUndefined()
  })
})

describe('the labels of a time axis', () => {
  // Days begin where the reader is, so the times are local.
  const at = (day: number, hour: number, minute = 0): number => new Date(2026, 10, day, hour, minute).getTime()

  it('have a date only where the range passes midnight', () => {
    const evening = [at(28, 23), at(28, 23, 30)]
    expect(axisLabels(evening, at(28, 22, 30), at(28, 23, 40), FORMAT)).toEqual(['23:00', '23:30'])
    const night = [...evening, at(29, 0), at(29, 0, 30)]
    expect(axisLabels(night, at(28, 22, 30), at(29, 1), FORMAT)).toEqual([
      '23:00\n28 Nov',
      '23:30',
      '00:00\n29 Nov',
      '00:30',
    ])
  })

  it('end at midnight without a date', () => {
    expect(axisLabels([at(28, 23)], at(28, 22), at(29, 0), FORMAT)).toEqual(['23:00'])
  })

  it('are dates on an axis of days, also when clocks change between two of them', () => {
    const midnights = [28, 29, 30].map((day) => new Date(2026, 2, day).getTime())
    const [from, to] = [new Date(2026, 2, 26, 10).getTime(), new Date(2026, 3, 2, 10).getTime()]
    expect(axisLabels(midnights, from, to, FORMAT)).toEqual(['28 Mar', '29 Mar', '30 Mar'])
  })

  it('name the moment under the pointer with its date where it is needed', () => {
    expect(momentLabel(at(28, 23), at(28, 23), at(29, 2), FORMAT)).toBe('28 Nov, 23:00:00')
    expect(momentLabel(at(28, 23), at(28, 23), at(28, 23, 1), FORMAT)).toBe('23:00:00')
  })
})
