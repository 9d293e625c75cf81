import { expect, test } from 'vitest'
import { QueryError, rangeOfQuery, viewOfQuery } from '../query.ts'

const from = (value: string): number | undefined => rangeOfQuery(new URLSearchParams({ from: value }), Date.now())?.from

test('reads dates, years, months and numbers since 1970 as the start of a range', () => {
  expect(from('2026-11-28T14:00:00Z')).toBe(Date.UTC(2026, 10, 28, 14))
  expect(from('2026-11-28')).toBe(Date.UTC(2026, 10, 28))
  expect(from('2026-11')).toBe(Date.UTC(2026, 10))
  expect(from('2026')).toBe(Date.UTC(2026))
  expect(from('1795874400')).toBe(Date.UTC(2026, 10, 28, 14))
  expect(from('0')).toBe(0)
  expect(from('60')).toBe(60_000)
})

test.each(['soon', '02/12/2026', '2026-13', '-1', '1e3'])('rejects %s', (value) => {
  expect(() => from(value)).toThrow(QueryError)
})

test('reads a range that was chosen in a chart, within limits', () => {
  const of = (text: string) => viewOfQuery(new URLSearchParams(text), 1e12)
  expect(of('from=1700000000000&to=1700000060000')).toEqual({ from: 1_700_000_000_000, to: 1_700_000_060_000 })
  expect(of('range=300&from=1700000000000')).toBe(300)
  expect(of('')).toBe(900)
  expect(() => of('from=1700000000000&to=1700000001000')).toThrow(QueryError)
  expect(() => of('from=2020-01-01&to=2026-01-01')).toThrow('30 days apart')
})
