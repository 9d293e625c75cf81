import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyTrip } from '../any-trip.ts'
import { consecutive, failureRate, slowCallRate } from '../trip.ts'
import type { Trip } from '../trip-rule.ts'

/** Records the outcomes; returns the number of the one at which the rule trips, from 1, or 0 for never. */
function tripsAt(trip: Trip, outcomes: readonly boolean[], now = 0): number {
  const rule = trip.create()
  return outcomes.findIndex((failed) => rule.record(failed, 0, now) !== undefined) + 1
}

const failures = (n: number): boolean[] => Array.from({ length: n }, () => true)
const successes = (n: number): boolean[] => Array.from({ length: n }, () => false)

describe('consecutive', () => {
  test('trips at the n-th failure in a row; a success resets the count', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.boolean(), { maxLength: 60, size: 'max' }),
        (n, outcomes) => {
          let inRow = 0
          let expected = 0
          outcomes.forEach((failed, index) => {
            inRow = failed ? inRow + 1 : 0
            if (inRow >= n && expected === 0) expected = index + 1
          })
          expect(tripsAt(consecutive(n), outcomes)).toBe(expected)
        },
      ),
    )
  })

  test('shows the failures in a row, and `clear` sets them to zero', () => {
    const rule = consecutive(5).create()
    for (const failed of [true, false, true, true]) rule.record(failed, 0, 0)
    expect([rule.failures(0), rule.calls(0)]).toEqual([2, 4])
    rule.clear()
    expect([rule.failures(0), rule.calls(0)]).toEqual([0, 0])
  })

  test('returns its reason when it trips', () => {
    expect(consecutive(3).reasons).toEqual(['3 consecutive failures'])
    expect(consecutive(1).create().record(true, 0, 0)).toBe('1 consecutive failures')
  })
})

describe('failureRate', () => {
  test('trips at its threshold: 3 of 30 trips at 0.1, 3 of 31 does not', () => {
    const trip = failureRate({ threshold: 0.1, window: { calls: 100 }, minimumCalls: 30 })
    expect(tripsAt(trip, [...failures(3), ...successes(27)])).toBe(30)
    expect(
      tripsAt(failureRate({ threshold: 0.1, window: { calls: 100 }, minimumCalls: 31 }), [
        ...failures(3),
        ...successes(28),
      ]),
    ).toBe(0)
  })

  test('meets every fractional threshold exactly, without binary rounding errors', () => {
    for (let of = 1; of <= 100; of += 1) {
      for (let failed = 1; failed <= of; failed += 1) {
        // The fraction itself, and the decimal number that a user would write.
        for (const threshold of new Set([failed / of, Number((failed / of).toPrecision(15))])) {
          if (failed / of < threshold) continue
          const trip = failureRate({ threshold, window: { calls: of }, minimumCalls: of })
          expect(tripsAt(trip, [...failures(failed), ...successes(of - failed)])).toBe(of)
          expect(tripsAt(trip, [...failures(failed - 1), ...successes(of - failed + 1)])).toBe(0)
        }
      }
    }
  })

  test('never trips below the minimum number of calls', () => {
    const trip = failureRate({ threshold: 0.01, minimumCalls: 20 })
    expect(tripsAt(trip, failures(19))).toBe(0)
    expect(tripsAt(trip, failures(20))).toBe(20)
  })

  test('trips by default at half of at least 20 calls within 30 s', () => {
    expect(tripsAt(failureRate(), [...successes(10), ...failures(10)])).toBe(20)
    expect(tripsAt(failureRate(), [...successes(11), ...failures(10)])).toBe(0)
    const rule = failureRate().create()
    for (let n = 0; n < 19; n += 1) rule.record(true, 0, 0)
    expect(rule.record(true, 0, 30_000)).toBeUndefined()
    expect([rule.failures(30_000), rule.calls(30_000)]).toEqual([1, 1])
  })

  test('a window of calls counts only the last n calls', () => {
    const rule = failureRate({ threshold: 0.5, window: { calls: 4 }, minimumCalls: 4 }).create()
    const outcomes = [true, false, false, false, false, true, true]
    expect(outcomes.map((failed) => rule.record(failed, 0, 0) !== undefined)).toEqual([...Array(6).fill(false), true])
    expect([rule.failures(0), rule.calls(0)]).toEqual([2, 4])
    rule.clear()
    expect([rule.failures(0), rule.calls(0)]).toEqual([0, 0])
  })

  test('trips exactly when a naive count over the last n calls does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.boolean(), { maxLength: 80, size: 'max' }),
        (size, minimum, twentieths, outcomes) => {
          const minimumCalls = Math.min(size, minimum)
          const threshold = twentieths / 20
          const rule = failureRate({ threshold, window: { calls: size }, minimumCalls }).create()
          outcomes.forEach((failed, index) => {
            const last = outcomes.slice(Math.max(0, index + 1 - size), index + 1)
            // In whole numbers, so that the expected value has no rounding error.
            const reached = last.filter(Boolean).length * 20 >= twentieths * last.length
            expect(rule.record(failed, 0, 0) !== undefined).toBe(last.length >= minimumCalls && reached)
          })
        },
      ),
    )
  })

  test('creates an independent rule for each breaker', () => {
    const trip = failureRate({ threshold: 1, window: { calls: 2 }, minimumCalls: 2 })
    const [first, second] = [trip.create(), trip.create()]
    first.record(true, 0, 0)
    expect(second.calls(0)).toBe(0)
    expect(second.record(true, 0, 0)).toBeUndefined()
    expect(first.record(true, 0, 0)).toBe('failure rate of 100 %')
  })
})

test.each([
  ['consecutive.n', () => consecutive(0)],
  ['consecutive.n', () => consecutive(1.5)],
  ['consecutive.n', () => consecutive(Number.NaN)],
  ['consecutive.n', () => consecutive('3' as never)],
  ['failureRate.window.calls', () => failureRate({ window: { calls: 0 } })],
  ['failureRate.window.calls', () => failureRate({ window: { calls: Number.POSITIVE_INFINITY } })],
  ['failureRate.window.calls', () => failureRate({ window: { calls: 1_000_001 } })],
  ['failureRate.window.size', () => failureRate({ window: { calls: 10, size: 10 } as never })],
  ['failureRate.threshold', () => failureRate({ threshold: 0 })],
  ['failureRate.threshold', () => failureRate({ threshold: 1.01 })],
  ['failureRate.threshold', () => failureRate({ threshold: Number.NaN })],
  ['failureRate.threshold', () => failureRate({ threshold: '0.5' as never })],
  ['failureRate.window', () => failureRate({ window: 0 })],
  ['failureRate.window', () => failureRate({ window: '-1s' as never })],
  ['failureRate.window.calls', () => failureRate({ window: { calls: Number.NaN } })],
  ['failureRate.minimumCalls', () => failureRate({ minimumCalls: 0 })],
  ['failureRate.minimumCalls', () => failureRate({ window: { calls: 10 }, minimumCalls: 11 })],
  ['failureRate.treshold', () => failureRate({ treshold: 0.5 } as never)],
  ['failureRate', () => failureRate(0.5 as never)],
  ['slowCallRate.slowerThan', () => slowCallRate({} as never)],
  ['slowCallRate.slowerThan', () => slowCallRate({ slowerThan: -1 })],
  ['slowCallRate.slowerThan', () => slowCallRate({ slowerThan: Number.NaN })],
  ['slowCallRate.slowerThan', () => slowCallRate({ slowerThan: Number.POSITIVE_INFINITY })],
  ['slowCallRate.threshold', () => slowCallRate({ slowerThan: '1s', threshold: 0 })],
  ['slowCallRate.window', () => slowCallRate({ slowerThan: '1s', window: 0 })],
  ['slowCallRate.window.calls', () => slowCallRate({ slowerThan: '1s', window: { calls: 1.5 } })],
  ['slowCallRate.minimumCalls', () => slowCallRate({ slowerThan: '1s', window: { calls: 5 }, minimumCalls: 6 })],
  ['slowCallRate.slower', () => slowCallRate({ slowerThan: '1s', slower: 1 } as never)],
  ['slowCallRate', () => slowCallRate(undefined as never)],
  ['anyTrip', () => anyTrip()],
  ['anyTrip[1]', () => anyTrip(consecutive(1), undefined as never)],
  ['anyTrip[0]', () => anyTrip([consecutive(1)] as never)],
])('throws a ConfigurationError with the path %s for an invalid value', (path, make) => {
  expect(make).toThrow(expect.objectContaining({ name: 'ConfigurationError', path }))
})

describe('slowCallRate', () => {
  test('counts calls that take longer than the limit; failures do not matter', () => {
    const rule = slowCallRate({ threshold: 0.5, slowerThan: 100, window: { calls: 2 }, minimumCalls: 2 }).create()
    expect(rule.record(true, 100, 0)).toBeUndefined()
    expect(rule.record(true, 100, 0)).toBeUndefined()
    expect([rule.failures(0), rule.calls(0)]).toEqual([0, 2])
    expect(rule.record(false, 100.5, 0)).toBe('slow call rate of 50 %')
    expect([rule.failures(0), rule.calls(0)]).toEqual([1, 2])
  })

  test('has the same defaults as the failure rate: half of at least 20 calls within 30 s', () => {
    const rule = slowCallRate({ slowerThan: '2s' }).create()
    for (let n = 0; n < 19; n += 1) expect(rule.record(false, 2_001, 0)).toBeUndefined()
    expect(rule.record(false, 0, 29_999)).toBe('slow call rate of 50 %')
    expect(rule.calls(60_000)).toBe(0)
  })

  test('a limit of 0 makes every call slow that takes more than 0 ms', () => {
    const rule = slowCallRate({ slowerThan: 0, threshold: 1, window: { calls: 1 }, minimumCalls: 1 }).create()
    expect(rule.record(false, 0, 0)).toBeUndefined()
    expect(rule.record(false, 0.001, 0)).toBe('slow call rate of 100 %')
  })
})

describe('slowerThanMs is set only if a trip needs durations', () => {
  test.each<[string, Trip, number | undefined]>([
    ['consecutive', consecutive(1), undefined],
    ['failureRate', failureRate(), undefined],
    ['slowCallRate', slowCallRate({ slowerThan: '2s' }), 2_000],
    ['anyTrip without slow calls', anyTrip(consecutive(1), failureRate()), undefined],
    [
      'anyTrip takes the smallest limit',
      anyTrip(slowCallRate({ slowerThan: 70 }), slowCallRate({ slowerThan: 50 })),
      50,
    ],
    ['anyTrip of anyTrip', anyTrip(consecutive(1), anyTrip(slowCallRate({ slowerThan: 70 }))), 70],
  ])('%s', (_name, trip, slowerThanMs) => {
    expect(trip.slowerThanMs).toBe(slowerThanMs)
  })
})

test('a reason shows the exact percentage, without binary rounding errors', () => {
  for (let percent = 1; percent <= 100; percent += 1) {
    expect(failureRate({ threshold: percent / 100 }).reasons).toEqual([`failure rate of ${percent} %`])
  }
  expect(failureRate({ threshold: 0.125 }).reasons).toEqual(['failure rate of 12.5 %'])
})
