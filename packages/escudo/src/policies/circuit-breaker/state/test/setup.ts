import { expect } from 'vitest'
import type { Verdict } from '../../../../core/outcome.ts'
import { Breaker } from '../breaker.ts'
import type { Permit } from '../permit.ts'
import type { BreakerSettings, Transition } from '../settings.ts'
import { consecutive } from '../trips/trip.ts'

/** A random source for calls that must not read one. */
export const noRandom = (): number => {
  throw new Error('the random source was read')
}

/** A breaker that opens at one failure for 100 ms by default, and the transitions that it reports. */
export function breakerWith(options: Partial<BreakerSettings> = {}): { breaker: Breaker; transitions: Transition[] } {
  const transitions: Transition[] = []
  const breaker = new Breaker({
    trip: consecutive(1),
    openPeriod: { baseMs: 100, factor: 1, maxMs: 100, retryAfterMaxMs: 60_000 },
    halfOpen: { probes: 1, closeAt: 1, leaseMs: 1_000 },
    mode: 'enforce',
    ramp: undefined,
    onTransition: (transition) => transitions.push(transition),
    ...options,
  })
  return { breaker, transitions }
}

/** Makes a call that must get a permit, and settles it with the verdict. */
export function call(
  breaker: Breaker,
  verdict: Verdict,
  now: number,
  retryAfterMs?: number,
  durationMs?: number,
): boolean {
  const permit = breaker.sharedPermit ?? breaker.tryAcquire(now, noRandom)
  expect(permit).toBeDefined()
  return breaker.settle(permit as Permit, verdict, now, retryAfterMs, durationMs)
}
