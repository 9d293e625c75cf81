import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Family, HistogramFamily, samples } from '../families.ts'
import { boundText, helpText, labelText, numberText } from '../text.ts'
import { writeFamilies } from '../write.ts'
import { checkHistograms, readScrape } from './setup.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapGrowth(body: () => void): number {
  collect()
  const before = process.memoryUsage().heapUsed
  body()
  collect()
  return process.memoryUsage().heapUsed - before
}

const FACTS = { name: 'a', help: 'h', type: 'gauge', labels: ['x', 'y'], otel: { name: 'a', unit: '1' } } as const

describe('labels', () => {
  test('escapes backslash, quote and newline only', () => {
    expect(labelText(['x'], ['a\\b"c\nd\te\r{},=ñ🜂'])).toBe('x="a\\\\b\\"c\\nd\te\r{},=ñ🜂"')
  })

  test('leaves out a label without a value', () => {
    expect(labelText(['x', 'y', 'z'], [undefined, '1', ''])).toBe('y="1"')
    expect(labelText(['x'], [])).toBe('')
  })

  test('replaces a lone surrogate by U+FFFD, because UTF-8 cannot encode it', () => {
    expect(labelText(['x'], ['\ud83d a \udf02'])).toBe('x="\ufffd a \ufffd"')
  })

  test('shortens a value to 256 characters', () => {
    expect(labelText(['x'], ['n'.repeat(100_000)])).toHaveLength(256 + 4)
    // The limit splits a surrogate pair: the remaining half is replaced.
    expect(labelText(['x'], [`${'n'.repeat(255)}🜂`])).toBe(`x="${'n'.repeat(255)}\ufffd"`)
  })

  test('writes any values so that they can be read back, one series each', () => {
    const value = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(value, value), { maxLength: 8, selector: (pair) => pair.join('\0\0') }),
        (all) => {
          const family = samples(FACTS, 100)
          for (const [index, pair] of all.entries()) family.seriesFor(pair).value = index
          const read = readScrape(`${writeFamilies([family], 'prometheus')}# EOF\n`)
          expect(read.samples.map(({ labels, value: index }) => [index, labels['x'], labels['y']]).sort()).toEqual(
            all.map((pair, index) => [index, ...pair]).sort(),
          )
        },
      ),
    )
  })
})

test('writes a help text on one line, and escapes quotes in OpenMetrics only', () => {
  expect(helpText('a\\b\n"c"', 'prometheus')).toBe('a\\\\b\\n"c"')
  expect(helpText('a\\b\n"c"', 'openmetrics')).toBe('a\\\\b\\n\\"c\\"')
})

test('writes numbers and bucket bounds in each format', () => {
  const values = [0, -0, 1, 0.1, 1e21, 1e-7, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  expect(values.map(numberText)).toEqual(['0', '0', '1', '0.1', '1e+21', '1e-7', 'NaN', '+Inf', '-Inf'])
  expect([1, 0.005, Number.POSITIVE_INFINITY].map((bound) => boundText(bound, 'prometheus'))).toEqual([
    '1',
    '0.005',
    '+Inf',
  ])
  expect([1, 0.005, Number.POSITIVE_INFINITY].map((bound) => boundText(bound, 'openmetrics'))).toEqual([
    '1.0',
    '0.005',
    '+Inf',
  ])
})

describe('families', () => {
  test('are sorted by name, their series by labels, without families that have no series', () => {
    const gauge = samples({ ...FACTS, name: 'b' }, 10)
    for (const x of ['2', '10', '1']) gauge.seriesFor([x]).value = Number(x)
    const counter = samples({ ...FACTS, help: 'Counts.', type: 'counter', labels: [] }, 10)
    counter.seriesFor([]).value = Number.NaN
    const empty = samples({ ...FACTS, name: 'c' }, 10)
    expect(writeFamilies([empty, gauge, counter], 'prometheus')).toBe(
      [
        '# HELP a_total Counts.',
        '# TYPE a_total counter',
        'a_total NaN',
        '# HELP b h',
        '# TYPE b gauge',
        'b{x="1"} 1',
        'b{x="10"} 10',
        'b{x="2"} 2',
        '',
      ].join('\n'),
    )
    expect(writeFamilies([], 'prometheus')).toBe('')
    expect(writeFamilies([], 'openmetrics')).toBe('# EOF\n')
  })

  test('write cumulative buckets with inclusive bounds, then +Inf, sum and count', () => {
    const family = new HistogramFamily(
      { ...FACTS, name: 'd_seconds', type: 'histogram', labels: ['x'], unit: 'seconds' },
      10,
      [0.5, 1],
    )
    for (const value of [0.1, 0.5, 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) family.seriesFor(['v']).observe(value)
    family.seriesFor([]).observe(2)
    expect(writeFamilies([family], 'prometheus')).toBe(
      [
        '# HELP d_seconds h',
        '# TYPE d_seconds histogram',
        'd_seconds_bucket{le="0.5"} 0',
        'd_seconds_bucket{le="1"} 0',
        'd_seconds_bucket{le="+Inf"} 1',
        'd_seconds_sum 2',
        'd_seconds_count 1',
        'd_seconds_bucket{x="v",le="0.5"} 2',
        'd_seconds_bucket{x="v",le="1"} 3',
        'd_seconds_bucket{x="v",le="+Inf"} 4',
        'd_seconds_sum{x="v"} 3.1',
        'd_seconds_count{x="v"} 4',
        '',
      ].join('\n'),
    )
  })

  test('write a consistent histogram for any measurements', () => {
    fc.assert(
      fc.property(fc.array(fc.double()), (values) => {
        const family = new HistogramFamily({ ...FACTS, name: 'd', type: 'histogram', labels: [] }, 10, [-1, 0, 0.25, 3])
        family.reserve([])
        for (const value of values) family.seriesFor([]).observe(value)
        const read = readScrape(writeFamilies([family], 'prometheus'))
        expect(checkHistograms(read)).toBe(1)
        const counted = values.filter(Number.isFinite)
        expect(read.sum('d_count')).toBe(counted.length)
        expect(read.sum('d_bucket', { le: '0.25' })).toBe(counted.filter((value) => value <= 0.25).length)
      }),
    )
  })

  test('write units, exemplars and an end marker in OpenMetrics, counters without _total', () => {
    const family = new HistogramFamily(
      { ...FACTS, name: 'd_seconds', type: 'histogram', labels: [], unit: 'seconds' },
      10,
      [1],
    )
    family.seriesFor([]).observe(0.25, 'a'.repeat(32))
    family.seriesFor([]).observe(0.5, 'b'.repeat(32))
    family.seriesFor([]).observe(2)
    const counted = samples({ ...FACTS, name: 'c', type: 'counter', labels: [] }, 10)
    counted.seriesFor([]).value = 1
    const text = writeFamilies([family, counted], 'openmetrics')
    expect(text.replace(/ \d{10}\.\d{3}$/m, ' <now>')).toBe(
      [
        '# HELP c h',
        '# TYPE c counter',
        'c_total 1',
        '# HELP d_seconds h',
        '# TYPE d_seconds histogram',
        '# UNIT d_seconds seconds',
        `d_seconds_bucket{le="1.0"} 2 # {trace_id="${'b'.repeat(32)}"} 0.5 <now>`,
        'd_seconds_bucket{le="+Inf"} 3',
        'd_seconds_sum 2.75',
        'd_seconds_count 3',
        '# EOF',
        '',
      ].join('\n'),
    )
    expect(writeFamilies([family], 'prometheus')).not.toContain('trace_id')
  })
})

describe('the maximum number of series', () => {
  test('counts all measurements beyond it in one overflow series', () => {
    const family = samples(FACTS, 3)
    for (let round = 0; round < 2; round += 1) {
      for (let value = 0; value < 10; value += 1) family.seriesFor([String(value)]).value += 1
    }
    expect(family.foldedCount).toBe(14)
    expect(family.entries().map(({ text, series }) => [text, series.value])).toEqual([
      ['x="0"', 2],
      ['x="1"', 2],
      ['x="2"', 2],
      ['otel_metric_overflow="true"', 14],
    ])
  })

  test('includes reserved series, and a series without room is not reserved', () => {
    const family = new Family(FACTS, 1, () => ({ value: 0 }))
    expect(family.reserve(['1'])).toEqual({ value: 0 })
    expect(family.reserve(['2'])).toBeUndefined()
    expect(family.reserve(['1'])).toBeDefined()
    expect([family.entries().length, family.foldedCount]).toEqual([1, 0])
  })

  test('keeps no memory for many values that become one series by shortening', () => {
    const family = samples(FACTS, 10)
    const grownBy = heapGrowth(() => {
      for (let index = 0; index < 100_000; index += 1) family.seriesFor([`${'n'.repeat(256)}${index}`]).value += 1
    })
    expect(family.entries().reduce((sum, { series }) => sum + series.value, 0)).toBe(100_000)
    expect(grownBy).toBeLessThan(3_000_000)
  })

  test('counts many values that become one series by escaping in that series', () => {
    const family = samples(FACTS, 2)
    for (let code = 0xd800; code < 0xd900; code += 1) family.seriesFor([String.fromCharCode(code)]).value += 1
    expect(family.entries().map(({ text, series }) => [text, series.value])).toEqual([['x="\ufffd"', 256]])
    expect(family.foldedCount).toBe(0)
  })
})
