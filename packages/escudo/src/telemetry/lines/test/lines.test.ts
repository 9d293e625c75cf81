import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { logged, S } from './setup.ts'

// The form of a line: its keys, its bounds and its characters.

describe('each key is written once', () => {
  const keysOf = (line: string | undefined): readonly string[] =>
    [...(line ?? '').matchAll(/[{,]"([^"]+)":/g)].map(([, key]) => key ?? '')

  test('a user field with a canonical name is written as fields.<name>', () => {
    const evil = { service: 'evil', timestamp: 'evil', log_level: 'evil', event: 'evil', trace_id: 'mine' }
    const { texts, lines } = logged((log) => log.info(evil, 'x'))
    expect(new Set(keysOf(texts[0])).size).toBe(keysOf(texts[0]).length)
    expect(lines[0]).toMatchObject({
      service: 'x',
      log_level: 'info',
      event: 'x',
      'fields.service': 'evil',
      'fields.event': 'evil',
      // Outside a request, the line has no trace id that it could replace.
      trace_id: 'mine',
    })
  })

  test('a line wins over its logger, a child over its parent', () => {
    const { texts, lines } = logged((log) =>
      log
        .child({ a: 1, b: 1, service: 'evil' })
        .child({ b: 2 })
        .info({ a: 3, service: 'worse', 'fields.service': 'x' }, 'x'),
    )
    expect(lines[0]).toMatchObject({ a: 3, b: 2, service: 'x', 'fields.service': 'x' })
    expect(new Set(keysOf(texts[0])).size).toBe(keysOf(texts[0]).length)
  })

  test('long keys that are equal when truncated, and keys that hold secrets', () => {
    const long = 'k'.repeat(300)
    const { text, lines } = logged((log) =>
      log.info({ [`${long}1`]: 1, [`${long}2`]: 2, [`http://u:${S}@h/`]: 3 }, 'x'),
    )
    expect(text).not.toContain(S)
    expect(Object.values(lines[0] ?? {})).toEqual(expect.arrayContaining([1, 2, 3]))
  })
})

test('a wide object as the fields of a line, or as bindings, is bounded', () => {
  const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key${index}`, 'v'.repeat(50)]))
  const { texts, lines } = logged((log) => {
    log.info(wide, 'wide')
    log.child(wide).info('bound')
  })
  expect(Math.max(...texts.map(({ length }) => length))).toBeLessThan(80_000)
  expect(lines).toMatchObject([{ '…': '[truncated]' }, { '…': '[truncated]' }])
})

test('objects that hold each other many times are bounded, also if they are empty', () => {
  let lists: unknown = {}
  let records: unknown
  for (let level = 0; level < 9; level += 1) {
    lists = new Array(900).fill(lists)
    const inner = records
    records = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`k${index}`, inner]))
  }
  const startedMs = performance.now()
  const { texts } = logged((log) => log.info({ lists, records }, 'many'))
  expect(performance.now() - startedMs).toBeLessThan(2_000)
  expect(texts[0]?.length).toBeLessThan(120_000)
})

test('an error in place of %s is written as text', () => {
  const { lines } = logged((log) => log.info('failed: %s', new TypeError(`http://u:${S}@h/`)))
  expect(lines[0]?.['event']).toBe('failed: TypeError: http://[redacted]@h/')
})

test('a line is bounded, whatever is logged', () => {
  const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key${index}`, 'v'.repeat(100)]))
  let deep: object = { token: S }
  for (let depth = 0; depth < 5_000; depth += 1) deep = { deep }
  const { texts, text } = logged((log) =>
    log.info({ wide, deep, text: 'x'.repeat(1_000_000), list: new Array(1e9) }, 'big'),
  )
  expect(texts[0]?.length).toBeLessThan(200_000)
  expect(text).not.toContain(S)
})

test('no value makes the search for secrets slow', () => {
  const hostile = [
    'a'.repeat(16_000),
    'a:'.repeat(8_000),
    '://'.repeat(5_000),
    '"a":'.repeat(4_000),
    'a=@%'.repeat(4_000),
    '//a:'.repeat(4_000),
    'x://a:'.repeat(2_500),
    '{"a":'.repeat(3_000),
    '"token":['.repeat(1_700),
    '"token":"'.repeat(1_700),
    'token: "'.repeat(2_000),
    'tokentoken-'.repeat(1_400),
    'bearer '.repeat(2_000),
    '<token'.repeat(2_500),
    '-a '.repeat(5_000),
    `token=:"${'\\'.repeat(16_000)}"`,
  ]
  const startedMs = performance.now()
  logged((log) => {
    for (const text of hostile) log.info({ text: `${text}@token=:%` }, text)
  })
  expect(performance.now() - startedMs).toBeLessThan(2_000)
})

test('the control characters of terminals and every kind of line end are escaped', () => {
  const { texts } = logged((log) => log.info({ a: '\u001b[31m\u009b31m\u007f\r\n\u2028\u2029', ['k\n']: 1 }, 'e\u001b'))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the test proves that there are none
  expect(texts[0]?.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  expect(JSON.parse(texts[0] ?? '')).toMatchObject({ a: '\u001b[31m\u009b31m\u007f\r\n\u2028\u2029' })
})

test('the timestamp is that of the clock, forward and back', () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1, max: 253_402_300_800_000 }), { minLength: 1 }),
        fc.nat(1_999),
        (times, step) => {
          for (const timeMs of times.flatMap((ms) => [ms, ms + step, ms - step, ms + 1])) {
            vi.setSystemTime(timeMs)
            const { lines } = logged((log) => log.info('x'))
            expect(lines[0]?.['timestamp']).toBe(new Date(timeMs).toISOString())
          }
        },
      ),
    )
  } finally {
    vi.useRealTimers()
  }
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, 9e15])('a clock that shows %d makes no invalid line', (nowMs) => {
  const now = vi.spyOn(Date, 'now').mockReturnValue(nowMs)
  try {
    const { lines } = logged((log) => {
      log.info('one')
      log.info('two')
    })
    expect(lines).toMatchObject([{ event: 'one' }, { event: 'two' }])
  } finally {
    now.mockRestore()
  }
})
