import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Breaker, type Ticket } from './breaker.ts'
import { transitionsOf } from './transitions.ts'
import { consecutive } from './trip.ts'

const step = fc.oneof(
  fc.record({ do: fc.constant('call' as const), verdict: fc.constantFrom('success', 'failure', 'ignored') }),
  fc.record({ do: fc.constant('call' as const), verdict: fc.constant('failure' as const) }),
  fc.record({ do: fc.constant('leave' as const) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 10, 100) }),
  fc.record({ do: fc.constantFrom('isolate' as const, 'disable' as const, 'reset' as const) }),
)

test('a breaker makes no change of state but those listed, and each of those can happen', () => {
  const trip = consecutive(2)
  const listed = transitionsOf(trip.reason).map(({ from, to, reason }) => `${from} > ${to}: ${reason}`)
  expect(new Set(listed).size).toBe(listed.length)
  const seen = new Set<string>()
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 200 }), (steps) => {
      const breaker = new Breaker(
        trip.create(),
        trip.reason,
        { baseMs: 10, factor: 1, maxMs: 10 },
        { probes: 1, closeAt: 1, leaseMs: 20 },
        ({ from, to, reason }) => {
          const change = `${from} > ${to}: ${reason}`
          seen.add(change)
          expect(listed).toContain(change)
        },
      )
      const left: Ticket[] = []
      let now = 0
      for (const one of steps) {
        if (one.do === 'wait') now += one.ms
        else if (one.do === 'call' || one.do === 'leave') {
          const ticket = breaker.tryAcquire(now)
          if (ticket === undefined) continue
          if (one.do === 'call') breaker.settle(ticket, one.verdict, now)
          else left.push(ticket)
        } else breaker[one.do](now)
        breaker.advance(now)
      }
    }),
    { numRuns: 2_000, seed: 7 },
  )
  expect([...seen].sort()).toEqual([...listed].sort())
})
