import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold, queryOf, withField } from '../query.ts'

const NOW = Date.parse('2026-11-28T14:00:00.000Z')

function termsOf(text: string): readonly string[] {
  return queryOf(text, NOW).terms.map(
    ({ name, operator, value, isNegated }) => `${isNegated ? '-' : ''}${name ?? '*'} ${operator} ${value}`,
  )
}

function problemOf(text: string): string | undefined {
  return queryOf(text, NOW).problem?.kind
}

describe('a query', () => {
  it('has words, quoted text, negations, fields and comparisons', () => {
    expect(termsOf('Timeout "no answer" -retry -"of x" service:shop -level:debug')).toEqual([
      '* : timeout',
      '* = no answer',
      '-* : retry',
      '-* = of x',
      'service : shop',
      '-level : debug',
    ])
    expect(termsOf('status:>=500 status>=500 status:5xx latency:>250ms latency<1.5s')).toEqual([
      'status >= 500',
      'status >= 500',
      'status : 5xx',
      'latency > 250ms',
      'latency < 1.5s',
    ])
    expect(termsOf('path:/items/* trace_id:4bf9 error_code:"A B" msg:"x" level:WARN')).toEqual([
      'path ^ /items/',
      'trace : 4bf9',
      'code = a b',
      'text = x',
      'level : warning',
    ])
  })

  it('keeps what only looks like a field: clocks, dashes, and quoted comparisons', () => {
    expect(termsOf('10:42:07 - a-b name:">5"')).toEqual(['* : 10:42:07', '* : -', '* : a-b', 'name = >5'])
  })

  it('reads latencies in their units, and times', () => {
    const numberOf = (text: string): number | undefined => queryOf(text, NOW).terms[0]?.number
    expect(['latency>2', 'latency>2ms', 'latency>2s', 'latency>2us', 'latency>1m'].map(numberOf)).toEqual([
      2, 2, 2_000, 0.002, 60_000,
    ])
    expect(numberOf('from:15m')).toBe(NOW - 900_000)
    expect(numberOf('from:2026-11-28T13:00:00Z')).toBe(NOW - 3_600_000)
    expect(numberOf('from:"2026-11-28 14:00+01:00"')).toBe(NOW - 3_600_000)
    expect(numberOf('to:1764338400000')).toBe(1_764_338_400_000)
    expect(numberOf('from:14:05')).toBe(new Date(NOW).setHours(14, 5, 0, 0))
  })

  it('says what makes no sense', () => {
    for (const [text, kind] of [
      ['"open', 'quote'],
      ['message:"open', 'quote'],
      ['"open\\', 'quote'],
      ['status>=high', 'number'],
      ['status:5x', 'number'],
      ['latency:>fast', 'number'],
      ['latency:slow', 'number'],
      ['bytes>many', 'number'],
      ['service:', 'value'],
      ['""', 'value'],
      ['level>=loud', 'value'],
      ['from:yesterday', 'time'],
      ['from:25:00', 'time'],
      ['-from:15m', 'time'],
      ['to>15m', 'time'],
      ['from:2026-13-99', 'time'],
      ['from:5m to:10m', 'order'],
      ['a '.repeat(33), 'long'],
      ['x'.repeat(1_001), 'long'],
    ] as const)
      expect([text, problemOf(text)]).toEqual([text, kind])
    for (const text of ['', '  ', '-', 'status:503 status:"x"', 'from:15m to:5m', 'level>=warning'])
      expect([text, problemOf(text)]).toEqual([text, undefined])
  })

  it('never throws, and reads hostile texts in linear time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1_200 }), (text) => {
        for (const { value } of queryOf(text, NOW).terms) expect(value).toBe(fold(value))
      }),
      { numRuns: 500 },
    )
    for (const hostile of ['"\\', '-', 'a:', '"a" ', 'a.b/', '((a+)+)+$', '\\u0000'].map((part) =>
      part.repeat(100_000),
    )) {
      expect(queryOf(hostile, NOW).problem?.kind).toBe('long')
      // This one reads all of it: a hundred thousand parts, squared, would take minutes.
      const startedMs = performance.now()
      withField(hostile, 'service', 'shop')
      expect(performance.now() - startedMs).toBeLessThan(5_000)
    }
  })

  it('keeps the length of a text when it ignores case, so that a match can be marked', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => fold(text).length === text.length))
  })

  it('replaces a field that is added again, but not its negation', () => {
    expect(withField('a -service:x service:shop', 'service', 'inventory')).toBe('a -service:x service:inventory')
    expect(withField('', 'name', '>5')).toBe('name:">5"')
    expect(withField('', 'path', '/a*')).toBe('path:"/a*"')
  })
})
