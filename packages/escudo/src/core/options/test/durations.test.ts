import fc from 'fast-check'
import { expect, test } from 'vitest'
import { show, toMs } from '../durations.ts'

test.each<[unknown, number]>([
  ['250ms', 250],
  ['2s', 2_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['0s', 0],
  ['1.5s', 1_500],
  ['0.25ms', 0.25],
  [0, 0],
  [17.5, 17.5],
])('reads %s as %d milliseconds', (value, ms) => {
  expect(toMs(value, 'x.y')).toBe(ms)
})

test('reads every number with a unit as that many units', () => {
  const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.constantFrom('ms', 's', 'm', 'h'), (n, unit) => {
      expect(toMs(`${n}${unit}`, 'x')).toBe(n * units[unit])
    }),
  )
})

test.each<[unknown]>(
  [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -1,
    '-1s',
    '1',
    's',
    '',
    ' 1s',
    '1s ',
    '1s\n',
    '1 s',
    '1d',
    '1S',
    '1e3ms',
    '0x10ms',
    '.5s',
    '1.s',
    '١s',
    `${'9'.repeat(400)}ms`,
    null,
    undefined,
    true,
    {},
    [],
    10n,
    Symbol('2s'),
    () => 1,
    { valueOf: () => 5 },
  ].map((value) => [value]),
)('rejects %s with an error that names the path', (value) => {
  expect(() => toMs(value, 'retry.backoff.base')).toThrow(
    expect.objectContaining({
      name: 'ConfigurationError',
      code: 'INVALID_OPTION',
      path: 'retry.backoff.base',
      message: expect.stringMatching(/^retry\.backoff\.base: /),
    }),
  )
})

test('rejects any other text, in time linear in its length', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 50 }), (text) => {
      if (/^\d+(\.\d+)?(ms|s|m|h)$/.test(text)) return
      expect(() => toMs(text, 'x')).toThrow()
    }),
  )
  const startMs = performance.now()
  expect(() => toMs(`${'1'.repeat(1_000_000)}x`, 'x')).toThrow()
  expect(performance.now() - startMs).toBeLessThan(500)
})

test('the message contains the smallest valid value', () => {
  expect(() => toMs(0, 'failureRate.window', 1)).toThrow('failureRate.window: expected a duration of at least 1 ms')
  expect(toMs(1, 'failureRate.window', 1)).toBe(1)
})

test('show() truncates text and does not show the content of objects', () => {
  expect(show('x'.repeat(1_000)).length).toBeLessThan(50)
  expect(show({ password: 'secret' })).toBe('an object')
  expect(show(['secret'])).toBe('an array')
  expect(show(() => 'secret')).toBe('a function')
  expect([show(null), show(undefined), show(5n), show(Symbol('s')), show(-0)]).toEqual([
    'null',
    'undefined',
    '5',
    'Symbol(s)',
    '0',
  ])
})
