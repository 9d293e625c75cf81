import { FLEET } from '../../../core/events/events.ts'
import type { CircuitDecision } from '../../../core/shared-state.ts'
import type { Breaker } from './breaker.ts'

/** Does what a fleet has decided about a circuit. An isolated or disabled circuit obeys only `isolated` and `reset`. */
export function obey(breaker: Breaker, decision: CircuitDecision, now: number): void {
  if (decision.to === 'isolated') breaker.isolate(now)
  else if (decision.to === 'reset') breaker.reset(now)
  else follow(breaker, decision, now)
}

type Following = Exclude<CircuitDecision, { readonly to: 'isolated' | 'reset' }>

function follow(breaker: Breaker, decision: Following, now: number): void {
  breaker.advance(now)
  const { state } = breaker
  if (state === 'isolated' || state === 'disabled') return
  if (decision.to === 'open') hold(breaker, decision, now)
  else if (decision.to === 'half-open') admit(breaker, decision.untilMs, now)
  else if (decision.to === 'alone') release(breaker, decision.untilMs)
  else if (breaker.openPeriod !== undefined) breaker.healthCheckSucceeded(breaker.openPeriod, now, FLEET)
}

function hold(
  breaker: Breaker,
  { untilMs, reason }: { readonly untilMs: number; readonly reason: string },
  now: number,
): void {
  if (breaker.state !== 'open') breaker.trip(now, reason)
  // A listener of the transition may have changed the circuit again.
  const { openPeriod } = breaker
  if (breaker.state !== 'open' || openPeriod === undefined) return
  openPeriod.isHeld = true
  openPeriod.openUntilMs = untilMs
  openPeriod.reason = reason
}

/** Lets probes through until the end of a lease. */
function admit(breaker: Breaker, untilMs: number, now: number): void {
  const { openPeriod } = breaker
  if (openPeriod === undefined) return
  if (breaker.state === 'open') {
    openPeriod.isHeld = false
    openPeriod.openUntilMs = now
    breaker.advance(now)
  }
  if (openPeriod.trial !== undefined) openPeriod.trial.untilMs = untilMs
}

function release(breaker: Breaker, untilMs: number): void {
  const { openPeriod } = breaker
  if (openPeriod === undefined) return
  if (openPeriod.trial !== undefined) openPeriod.trial.untilMs = Number.POSITIVE_INFINITY
  if (!openPeriod.isHeld) return
  openPeriod.isHeld = false
  openPeriod.openUntilMs = untilMs
}
