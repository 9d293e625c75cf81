import type { Binding } from '../../core/binding.ts'
import type { CircuitDecision, LocalCircuit, SharedCircuit, SharedState } from '../../core/shared-state.ts'
import type { Circuits } from './circuits.ts'
import { obey } from './state/obey.ts'
import { type BreakerSettings, openForMs } from './state/settings.ts'

type Settings = Pick<BreakerSettings, 'trip' | 'openPeriod'>

/**
 * Makes the circuit of a policy a member of its fleet's circuit.
 *
 * @param settings returns the current settings of the policy
 */
export function joinFleet(
  { state, quorum }: { readonly state: SharedState; readonly quorum: number },
  circuits: Circuits,
  { shield, policy, clock, random }: Binding,
  settings: () => Settings,
): SharedCircuit {
  let isObeying = false
  const shared = state.circuit({
    shield,
    policy,
    clock,
    random,
    quorum,
    local: (now) => localOf(circuits, settings(), now),
    obey: (decision, now) => {
      isObeying = true
      try {
        act(circuits, decision, now)
      } finally {
        isObeying = false
      }
    },
  })
  circuits.on(({ from, to, at }) => {
    if (!isObeying) shared.changed(from, to, at)
  })
  return shared
}

function act(circuits: Circuits, decision: CircuitDecision, now: number): void {
  circuits.act(undefined, 'as it is', (breaker) => obey(breaker, decision, now))
}

function localOf(circuits: Circuits, { trip, openPeriod }: Settings, now: number): LocalCircuit {
  const breaker = circuits.peek(undefined)
  breaker.advance(now)
  const { state, openPeriod: period } = breaker
  return {
    state,
    // Without a minimum, each instance is a judge: a trip by consecutive failures does not count successes.
    enoughCalls: trip.minimum === undefined || breaker.calls(now) >= trip.minimum.calls,
    probing: period?.trial?.hasBegun ?? false,
    openForMs: period?.lengthMs ?? openForMs(openPeriod, 1),
  }
}
