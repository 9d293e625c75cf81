import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { httpDateMs } from '../http-date.ts'
import { retryAfterMs } from '../retry-after.ts'

const HTTP_DATE_URL = new URL('../http-date.ts', import.meta.url).href

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 23, 12, 0, 0)

  test.each([
    ['0', 0],
    ['7', 7_000],
    [' 7 ', 7_000],
    ['007', 7_000],
    ['1000000000', 86_400_000],
    ['9'.repeat(60), 86_400_000],
    ['Mon, 23 Nov 2026 12:00:05 GMT', 5_000],
    ['Monday, 23-Nov-26 12:00:05 GMT', 5_000],
    ['Mon Nov 23 12:00:05 2026', 5_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['Mon, 23 Nov 2099 11:00:00 GMT', 86_400_000],
    // 76 is 2076, exactly 50 years from now; 77 is 1977.
    ['Monday, 23-Nov-76 12:00:05 GMT', 86_400_000],
    ['Wednesday, 23-Nov-77 12:00:05 GMT', 0],
    ['Mon Nov  2 12:00:05 2026', 0],
    ['-1', undefined],
    ['+1', undefined],
    ['1.5', undefined],
    ['1.', undefined],
    ['٧', undefined],
    ['7\u00a0', undefined],
    ['7 s', undefined],
    ['Infinity', undefined],
    ['1e9', undefined],
    ['0x10', undefined],
    ['2026-11-23T12:00:05Z', undefined],
    ['Mon, 99 Foo', undefined],
    ['Mon 1', undefined],
    ['Monday', undefined],
    ['Mon, 23 Nov 2026', undefined],
    ['Mon, 23 Nov 2026 12:00 GMT', undefined],
    ['Mon, 23 Nov 2026 12:00:05', undefined],
    ['Mon, 23 Nov 2026 12:00:05 UTC', undefined],
    ['Mon, 23 Nov 2026 12:00:05 +0000', undefined],
    ['Mon, 23 Nov 2026 12:00:05 GMT+1', undefined],
    ['mon, 23 nov 2026 12:00:05 gmt', undefined],
    ['Mon, 3 Nov 2026 12:00:05 GMT', undefined],
    ['Mon, 31 Nov 2026 12:00:05 GMT', undefined],
    ['Mon, 00 Nov 2026 12:00:05 GMT', undefined],
    ['Mon, 23 Nov 2026 24:00:00 GMT', undefined],
    ['Mon, 23-Nov-26 12:00:05 GMT', undefined],
    ['Mon Nov 23 12:00:05 2026 GMT', undefined],
    ['Mon, 23 Nov 2026 12:00:05 GMT, Mon, 23 Nov 2026 12:00:05 GMT', undefined],
    ['soon', undefined],
    ['', undefined],
    ['7, 8', undefined],
    ['9'.repeat(9_999), undefined],
  ])('reads %.60s', (value, expected) => {
    const headers = { get: (name: string) => (name === 'retry-after' ? value.replace(/^ +| +$/g, '') : null) }
    expect(retryAfterMs(headers as Headers, now)).toBe(expected)
  })

  test("compares a date with the response's own Date, also if both are in old forms", () => {
    for (const date of [
      'Mon, 23 Nov 2026 12:00:02 GMT',
      'Monday, 23-Nov-26 12:00:02 GMT',
      'Mon Nov 23 12:00:02 2026',
    ]) {
      const headers = new Headers({ 'retry-after': 'Mon Nov 23 12:00:05 2026', date })
      expect(retryAfterMs(headers, now - 3_600_000)).toBe(3_000)
    }
  })

  test('ignores a Date that is not an HTTP date', () => {
    const headers = new Headers({ 'retry-after': 'Mon, 23 Nov 2026 12:00:05 GMT', date: 'Mon 1' })
    expect(retryAfterMs(headers, now)).toBe(5_000)
  })

  test('is undefined without the header', () => expect(retryAfterMs(new Headers(), now)).toBeUndefined())
})

describe('an HTTP date', () => {
  test('is the same instant in all three forms', () => {
    const seconds = fc.integer({ min: 0, max: Date.UTC(2037, 0) / 1_000 })
    fc.assert(
      fc.property(seconds, (second) => {
        const date = new Date(second * 1_000)
        const [shortDay, day, month, year, time] = date.toUTCString().replace(',', '').split(' ') as [
          string,
          string,
          string,
          string,
          string,
        ]
        const longDay = new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: 'UTC' }).format(date)
        const now = Date.UTC(2018, 0)
        expect(httpDateMs(`${shortDay}, ${day} ${month} ${year} ${time} GMT`, now)).toBe(second * 1_000)
        expect(httpDateMs(`${longDay}, ${day}-${month}-${year.slice(2)} ${time} GMT`, now)).toBe(second * 1_000)
        expect(httpDateMs(`${shortDay} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`, now)).toBe(second * 1_000)
      }),
      { numRuns: 2_000 },
    )
  })

  test('is nothing else: a changed character gives another instant or none, and never throws', () => {
    const forms = ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994']
    fc.assert(
      fc.property(fc.constantFrom(...forms), fc.nat(30), fc.string({ maxLength: 2 }), (form, at, text) => {
        const changed = form.slice(0, at) + text + form.slice(at + 1)
        const ms = httpDateMs(changed, Date.UTC(2000, 0))
        if (ms === undefined) return
        // Only a digit, a name of a day or a month, or nothing at all has changed.
        expect(changed).toMatch(/^[A-Z][a-z]+,? [A-Za-z0-9 :-]+$/)
        expect(changed).toHaveLength(form.length)
      }),
      { numRuns: 2_000 },
    )
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(httpDateMs(text, 0)).toBeUndefined()
      }),
    )
  })

  test.each([
    ['Thu, 29 Feb 2024 00:00:00 GMT', Date.UTC(2024, 1, 29)],
    ['Wed, 29 Feb 2023 00:00:00 GMT', undefined],
    ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1)],
    ['Sat, 01 Jan 0050 00:00:00 GMT', new Date('0050-01-01T00:00:00Z').getTime()],
  ])('respects the calendar: %s', (text, expected) => expect(httpDateMs(text, 0)).toBe(expected))

  test.each([
    ['Friday, 31-Dec-99 23:59:59 GMT', '2099-12-31T12:00:00Z', '2099-12-31T23:59:59Z'],
    ['Friday, 01-Jan-00 00:00:05 GMT', '2099-12-31T23:59:59Z', '2100-01-01T00:00:05Z'],
    ['Sunday, 06-Nov-94 08:49:37 GMT', '2026-01-01T00:00:00Z', '1994-11-06T08:49:37Z'],
  ])('with two digits of a year is at most 50 years ahead: %s at %s', (text, now, expected) => {
    expect(httpDateMs(text, Date.parse(now))).toBe(Date.parse(expected))
  })

  test.each(['UTC', 'America/Los_Angeles', 'Asia/Kolkata', 'Pacific/Kiritimati', 'Europe/Madrid'])(
    'is UTC in every time zone: %s',
    async (zone) => {
      const script = `import { httpDateMs } from ${JSON.stringify(HTTP_DATE_URL)}
        const read = (text) => new Date(httpDateMs(text, Date.UTC(2026, 0))).toISOString()
        console.log(JSON.stringify([
          read('Sun, 06 Nov 1994 08:49:37 GMT'),
          read('Sunday, 06-Nov-94 08:49:37 GMT'),
          read('Sun Nov  6 08:49:37 1994'),
          // An hour that does not exist in Madrid, and one that exists twice in Los Angeles.
          read('Sun, 29 Mar 2026 02:30:00 GMT'),
          read('Sun Nov  1 01:30:00 2026'),
          new Date(2026, 0).getTimezoneOffset(),
        ]))`
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
        env: { ...process.env, TZ: zone },
        cwd: fileURLToPath(new URL('.', import.meta.url)),
      })
      const [imf, rfc850, asctime, gap, twice, offset] = JSON.parse(stdout) as unknown[]
      expect([imf, rfc850, asctime]).toEqual(Array(3).fill('1994-11-06T08:49:37.000Z'))
      expect([gap, twice]).toEqual(['2026-03-29T02:30:00.000Z', '2026-11-01T01:30:00.000Z'])
      if (zone !== 'UTC') expect(offset).not.toBe(0)
    },
  )
})
