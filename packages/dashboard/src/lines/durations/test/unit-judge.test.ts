import { describe, expect, it } from 'vitest'
import { UnitJudge, type UnitRule } from '../unit-judge.ts'
import { UNIT_BY_NAME, writtenMs } from '../units.ts'

const SLOG: UnitRule = { unit: 'ns', confidence: 'likely', integers: 'always' }
const ZAP: UnitRule = { unit: 's', confidence: 'likely', integers: 'sometimes' }
const ZEROLOG: UnitRule = { unit: 'ms', confidence: 'likely' }

describe('writtenMs', () => {
  it.each([
    ['21ms', 21],
    ['0.0125s', 12.5],
    ['12.5µs', 0.0125],
    ['12.5μs', 0.0125],
    ['1m2.5s', 62_500],
    ['1h0m0s', 3_600_000],
    ['800 ns', 0.0008],
    ['00:00:00.0125000', 12.5],
    ['1.00:00:01', 86_401_000],
  ])('reads %s', (text, ms) => {
    expect(writtenMs(text)).toBeCloseTo(ms, 9)
  })

  it.each(['', '12', 'ms', '-3ms', '1e3ms', '3 apples', '12:5', 'x'.repeat(100)])('reads %j as none', (text) => {
    expect(writtenMs(text)).toBeUndefined()
  })
})

it.each([
  ['latency_us', 'us'],
  ['duration_s', 's'],
  ['durationMs', 'ms'],
  ['elapsed_ns', 'ns'],
  ['ElapsedMilliseconds', 'ms'],
  ['request_duration_seconds', 's'],
  ['responseTimeMs', 'ms'],
])('knows the unit of %s', (name, unit) => {
  expect(UNIT_BY_NAME.get(name)).toBe(unit)
})

describe('UnitJudge', () => {
  it.each([
    ['integers of slog', SLOG, [12_500_000], 12.5],
    ['fractions of zap', ZAP, [0.0125], 12.5],
    ['fractions of zerolog', ZEROLOG, [12.5], 12.5],
    ['a small fraction in no known format', undefined, [0.0125], 12.5],
  ])('believes %s', (_, rule, values, ms) => {
    const judge = new UnitJudge()
    expect(values.map((value) => judge.milliseconds('f', 'duration', value, rule))).toEqual([ms])
    expect(judge.doubts.size).toBe(0)
  })

  it.each([
    ['a fraction of slog', SLOG, [12.5]],
    ['milliseconds in slog', SLOG, [14, 20]],
    ['integers of zap', ZAP, [14, 20]],
    ['nanoseconds in zap', ZAP, [12_500_000]],
    ['nanoseconds in zerolog', ZEROLOG, [12_500_000]],
    ['seconds in zerolog', ZEROLOG, [0.0125]],
    ['12500 in no known format', undefined, [12_500]],
    ['14 in no known format', undefined, [14]],
    ['12.5 in no known format', undefined, [12.5]],
    ['12500000 in no known format', undefined, [12_500_000]],
  ])('has a doubt about %s', (_, rule, values) => {
    const judge = new UnitJudge()
    for (const value of values) expect(judge.milliseconds('f', 'duration', value, rule)).toBeUndefined()
    expect([...judge.doubts]).toEqual([['duration', values.length]])
  })

  it('takes the unit of a known format in the same file for values of a similar size', () => {
    const judge = new UnitJudge()
    judge.milliseconds('envoy', 'duration', 14, { unit: 'ms', confidence: 'certain' })
    expect(judge.milliseconds('json', 'duration', 20, undefined)).toBe(20)
    expect(new UnitJudge().milliseconds('json', 'duration', 20, undefined)).toBeUndefined()
    const far = new UnitJudge()
    far.milliseconds('envoy', 'duration', 14, { unit: 'ms', confidence: 'certain' })
    expect(far.milliseconds('json', 'duration', 12_500_000, undefined)).toBeUndefined()
  })

  it('keeps a unit that many values agree with, also while requests become very slow', () => {
    const judge = new UnitJudge()
    for (let at = 0; at < 100; at += 1) judge.milliseconds('f', 'duration', 12.5 + at, ZEROLOG)
    for (let at = 0; at < 500; at += 1) expect(judge.milliseconds('f', 'duration', 45_000, ZEROLOG)).toBe(45_000)
  })

  it('believes no negative, infinite or longer duration than a day', () => {
    const judge = new UnitJudge()
    const certain: UnitRule = { unit: 's', confidence: 'certain' }
    for (const value of [-1, Number.POSITIVE_INFINITY, Number.NaN, 100_000])
      expect(judge.milliseconds('f', 'duration', value, certain)).toBeUndefined()
  })
})
