import { describe, expect, test } from 'vitest'
import { retryAfterMs } from '../response/retry-after.ts'

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 23, 12, 0, 0)

  test.each([
    ['0', 0],
    ['7', 7_000],
    [' 7 ', 7_000],
    ['1.5', 1_500],
    ['1000000000', 86_400_000],
    ['9'.repeat(60), 86_400_000],
    ['Mon, 23 Nov 2026 12:00:05 GMT', 5_000],
    ['Monday, 23-Nov-26 12:00:05 GMT', 5_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['Mon, 23 Nov 2099 11:00:00 GMT', 86_400_000],
    ['-1', undefined],
    ['Infinity', undefined],
    ['1e9', undefined],
    ['0x10', undefined],
    ['2026-11-23T12:00:05Z', undefined],
    ['Mon, 99 Foo', undefined],
    ['soon', undefined],
    ['', undefined],
    ['7, 8', undefined],
    ['9'.repeat(9_999), undefined],
  ])('reads %.40s', (value, expected) => {
    expect(retryAfterMs(new Headers({ 'retry-after': value }), now)).toBe(expected)
  })

  test("compares a date with the response's own Date", () => {
    const headers = new Headers({
      'retry-after': 'Mon, 23 Nov 2026 12:00:05 GMT',
      date: 'Mon, 23 Nov 2026 12:00:02 GMT',
    })
    expect(retryAfterMs(headers, 0)).toBe(3_000)
  })

  test('is undefined without the header', () => expect(retryAfterMs(new Headers(), now)).toBeUndefined())
})
