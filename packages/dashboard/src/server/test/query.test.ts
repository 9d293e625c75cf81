import { expect, test } from 'vitest'
import { QueryError, rangeOfQuery } from '../query.ts'

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
