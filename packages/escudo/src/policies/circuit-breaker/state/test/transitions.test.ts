import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Breaker } from '../breaker.ts'
import type { Permit } from '../permit.ts'
import { transitionsOf } from '../transitions.ts'
import { anyTrip } from '../trips/any-trip.ts'
import { consecutive, slowCallRate } from '../trips/trip.ts'
import type { Trip } from '../trips/trip-rule.ts'

const command = fc.oneof(
  fc.record({ do: fc.constant('call' as const), verdict: fc.constantFrom('success', 'failure', 'ignored') }),
  fc.record({ do: fc.constant('call' as const), verdict: fc.constant('failure' as const) }),
  fc.record({ do: fc.constantFrom('leaveInFlight' as const, 'slow' as const, 'healthy' as const) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 10, 100) }),
  fc.record({ do: fc.constantFrom('isolate' as const, 'disable' as const, 'reset' as const) }),
  fc.record({ do: fc.constant('trip' as const) }),
)

const slow = slowCallRate({ threshold: 0.9, slowerThan: 5, window: { calls: 3 }, minimumCalls: 3 })

describe('a breaker makes exactly the transitions that transitionsOf lists', () => {
  test.each<[string, Trip, boolean]>([
    ['consecutive failures', consecutive(2), false],
    ['consecutive failures and a health check', consecutive(2), true],
    ['slow calls', slow, false],
    ['anyTrip and a health check', anyTrip(consecutive(2), slow), true],
  ])('with %s', (_name, trip, hasHealthCheck) => {
    const listed = transitionsOf(trip, hasHealthCheck).map(({ from, to, reason }) => `${from} > ${to}: ${reason}`)
    expect(new Set(listed).size).toBe(listed.length)
    const seen = new Set<string>()
    fc.assert(
      fc.property(fc.array(command, { minLength: 100, maxLength: 200 }), (commands) => {
        const breaker = new Breaker({
          trip,
          openPeriod: { baseMs: 10, factor: 1, maxMs: 10, retryAfterMaxMs: 0 },
          halfOpen: { probes: 1, closeAt: 1, leaseMs: 20 },
          mode: 'enforce',
          ramp: undefined,
          onTransition: ({ from, to, reason }) => {
            const change = `${from} > ${to}: ${reason}`
            seen.add(change)
            expect(listed).toContain(change)
          },
        })
        const inFlight: Permit[] = []
        let now = 0
        for (const current of commands) {
          if (current.do === 'wait') now += current.ms
          else if (current.do === 'call' || current.do === 'slow' || current.do === 'leaveInFlight') {
            const permit = breaker.tryAcquire(now, Math.random)
            if (permit === undefined) continue
            if (current.do === 'call') breaker.settle(permit, current.verdict, now)
            else if (current.do === 'slow') breaker.settle(permit, 'success', now, undefined, 6)
            else inFlight.push(permit)
          } else if (current.do === 'healthy') {
            if (hasHealthCheck && breaker.openPeriod !== undefined)
              breaker.healthCheckSucceeded(breaker.openPeriod, now)
          } else if (current.do === 'trip') breaker.trip(now, 'tripped manually')
          else breaker[current.do](now)
          breaker.advance(now)
        }
      }),
      { numRuns: 1_500, seed: 7 },
    )
    expect([...seen].sort()).toEqual([...listed].sort())
  })
})

test('lists a reason once, even if two trips share it', () => {
  expect(anyTrip(consecutive(2), slow, consecutive(2)).reasons).toEqual([
    '2 consecutive failures',
    'slow call rate of 90 %',
  ])
})
