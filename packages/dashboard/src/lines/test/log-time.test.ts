import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instantOf } from '../log-time.ts'

const FOURTEEN = Date.UTC(2026, 10, 28, 14)

describe('instantOf', () => {
  it.each([
    ['2026-11-28T14:00:00.000Z', 0],
    ['2026-11-28T14:00:00Z', 0],
    ['2026-11-28t14:00:00z', 0],
    ['2026-11-28T14:00:00.123456789Z', 123.456789],
    ['2026-11-28T15:00:00+01', 0],
    ['2026-11-28T15:00:00+0100', 0],
    ['2026-11-28 15:00:00,5 +01:00', 500],
    ['2026-11-28T09:30:00-04:30', 0],
    ['2026-11-28T14:00Z', 0],
    ['20261128T140000Z', 0],
    ['20261128T140000.250Z', 250],
    ['28/Nov/2026:14:00:00 +0000', 0],
    ['28/Nov/2026:15:00:00 +0100', 0],
    ['28/Nov/2026:14:00:00.123 +0000', 123],
    ['2026-11-28T14:00:00[UTC]', 0],
    ['2026-11-28T15:00:00+01:00[Europe/Madrid]', 0],
    ['Sat, 28 Nov 2026 14:00:00 GMT', 0],
    ['28 Nov 2026 14:00:00.5 UTC', 500],
    ['Sat Nov 28 14:00:00 UTC 2026', 0],
    ['1795874400', 0],
    ['1795874400.5', 500],
    ['1795874400000', 0],
    [1_795_874_400, 0],
    [1_795_874_400_000, 0],
    ['1795874400000000', 0],
    ['1795874400000000000', 0],
  ])('reads %j', (value, more) => {
    const instant = instantOf(value)
    expect(instant?.isLocal).toBe(false)
    expect(Math.abs((instant?.at ?? 0) - FOURTEEN - more)).toBeLessThan(0.01)
  })

  it.each([
    '2026-11-28 14:00:00,123',
    '2026/11/28 14:00:00.123',
    '2026/11/28 - 14:00:00.123',
    'Nov 28 2026 14:00:00.123',
  ])('reads %j without a zone as local time', (value) => {
    expect(instantOf(value)).toEqual({ at: new Date(2026, 10, 28, 14, 0, 0, 123).getTime(), isLocal: true })
  })

  it('gives a date without a year the one of the last change of its file', () => {
    const january = new Date(2027, 0, 2).getTime()
    const leap = new Date(2029, 0, 2).getTime()
    expect(instantOf('Nov 28 14:00:00', new Date(2026, 10, 29).getTime())?.at).toBe(
      new Date(2026, 10, 28, 14).getTime(),
    )
    expect(instantOf('Dec 31 23:59:59', january)?.at).toBe(new Date(2026, 11, 31, 23, 59, 59).getTime())
    expect(instantOf('Jan  2 00:00:01', january)?.at).toBe(new Date(2027, 0, 2, 0, 0, 1).getTime())
    expect(instantOf('Feb 29 12:00:00', leap)?.at).toBe(new Date(2028, 1, 29, 12).getTime())
  })

  it.each([
    '02/12/2026',
    '02/12/2026 14:00:00',
    '12',
    '12345678',
    'soon',
    '',
    '2026-13-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-11-28T25:00:00Z',
    '2026-11-28T14:61:00Z',
    '2026-11-28T14:00:00+99:00',
    '31/Nov/2026:14:00:00 +0000',
    '28/Foo/2026:14:00:00 +0000',
    'Foo 28 14:00:00',
    '1 2026 12:00',
    '99999999999999999999',
    12,
    0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e300,
    null,
    true,
    {},
  ])('reads %j as no time', (value) => {
    expect(instantOf(value)).toBeUndefined()
  })

  it('reads every instant that ECMAScript writes, and no text makes it throw', () => {
    const dates = fc.date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(dates, (date) => {
        expect(instantOf(date.toISOString())?.at).toBe(date.getTime())
        expect(instantOf(date.toUTCString())?.at).toBe(Math.floor(date.getTime() / 1_000) * 1_000)
      }),
    )
    fc.assert(
      fc.property(fc.string({ maxLength: 64 }), (value) => {
        const at = instantOf(value)?.at
        expect(at === undefined || Number.isFinite(at)).toBe(true)
      }),
    )
  })
})
