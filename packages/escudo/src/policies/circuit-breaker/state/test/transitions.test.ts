import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Breaker } from '../breaker.ts'
import type { Permit } from '../permit.ts'
import { transitionsOf } from '../transitions.ts'
import { anyTrip } from '../trips/any-trip.ts'
import { consecutive, slowCallRate } from '../trips/trip.ts'
import type { Trip } from '../trips/trip-rule.ts'

const step = fc.oneof(
  fc.record({ do: fc.constant('call' as const), verdict: fc.constantFrom('success', 'failure', 'ignored') }),
  fc.record({ do: fc.constant('call' as const), verdict: fc.constant('failure' as const) }),
  fc.record({ do: fc.constantFrom('leave' as const, 'slow' as const, 'well' as const) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 10, 100) }),
  fc.record({ do: fc.constantFrom('isolate' as const, 'disable' as const, 'reset' as const) }),
)

const slow = slowCallRate({ threshold: 0.9, slowerThan: 5, window: { calls: 3 }, minimumCalls: 3 })

describe('a breaker makes no change of state but those listed, and each of those can happen', () => {
  test.each<[string, Trip, boolean]>([
    ['consecutive failures', consecutive(2), false],
    ['consecutive failures and a health check', consecutive(2), true],
    ['slow calls', slow, false],
    ['any of several, and a health check', anyTrip(consecutive(2), slow), true],
  ])('with %s', (_name, trip, hasHealthCheck) => {
    const listed = transitionsOf(trip, hasHealthCheck).map(({ from, to, reason }) => `${from} > ${to}: ${reason}`)
    expect(new Set(listed).size).toBe(listed.length)
    const seen = new Set<string>()
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 200 }), (steps) => {
        const breaker = new Breaker({
          trip,
          openTime: { baseMs: 10, factor: 1, maxMs: 10, retryAfterMaxMs: 0 },
          halfOpen: { probes: 1, closeAt: 1, leaseMs: 20 },
          mode: 'enforce',
          ramp: undefined,
          onTransition: ({ from, to, reason }) => {
            const change = `${from} > ${to}: ${reason}`
            seen.add(change)
            expect(listed).toContain(change)
          },
        })
        const left: Permit[] = []
        let now = 0
        for (const one of steps) {
          if (one.do === 'wait') now += one.ms
          else if (one.do === 'call' || one.do === 'slow' || one.do === 'leave') {
            const ticket = breaker.tryAcquire(now, Math.random)
            if (ticket === undefined) continue
            if (one.do === 'call') breaker.settle(ticket, one.verdict, now)
            else if (one.do === 'slow') breaker.settle(ticket, 'success', now, undefined, 6)
            else left.push(ticket)
          } else if (one.do === 'well') {
            if (hasHealthCheck && breaker.openPeriod !== undefined)
              breaker.healthCheckSucceeded(breaker.openPeriod, now)
          } else breaker[one.do](now)
          breaker.advance(now)
        }
      }),
      { numRuns: 1_500, seed: 7 },
    )
    expect([...seen].sort()).toEqual([...listed].sort())
  })
})

test('two rules of one reason are one change', () => {
  expect(anyTrip(consecutive(2), slow, consecutive(2)).reasons).toEqual([
    '2 consecutive failures',
    'slow call rate of 90 %',
  ])
})
