import { expect } from 'vitest'
import type { Verdict } from '../../../../core/outcome.ts'
import { Breaker } from '../breaker.ts'
import type { Permit } from '../permit.ts'
import type { BreakerSettings, Transition } from '../settings.ts'
import { consecutive } from '../trips/trip.ts'

/** The chance of calls that are let through, or refused, without one. */
export const never = (): number => {
  throw new Error('no chance was to be asked for')
}

/** A breaker that one failure opens for 100 ms, but for `options`, and what it told. */
export function breakerWith(options: Partial<BreakerSettings> = {}): { breaker: Breaker; told: Transition[] } {
  const told: Transition[] = []
  const breaker = new Breaker({
    trip: consecutive(1),
    openTime: { baseMs: 100, factor: 1, maxMs: 100, retryAfterMaxMs: 60_000 },
    halfOpen: { probes: 1, closeAt: 1, leaseMs: 1_000 },
    mode: 'enforce',
    ramp: undefined,
    onTransition: (transition) => told.push(transition),
    ...options,
  })
  return { breaker, told }
}

/** A call that must be let through and comes to `verdict`. */
export function call(
  breaker: Breaker,
  verdict: Verdict,
  now: number,
  retryAfterMs?: number,
  durationMs?: number,
): boolean {
  const ticket = breaker.sharedPermit ?? breaker.tryAcquire(now, never)
  expect(ticket).toBeDefined()
  return breaker.settle(ticket as Permit, verdict, now, retryAfterMs, durationMs)
}
