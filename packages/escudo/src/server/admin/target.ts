import type { BreakerState } from '../../core/events/events.ts'
import type { AnyPolicy, PolicyStatus } from '../../core/policy.ts'
import { registeredShields, type ShieldFacts } from '../../core/registry.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { adminError } from './errors.ts'

/** What a request names. */
export interface Target {
  readonly shield: string
  /** Undefined: the whole shield. */
  readonly policy: string | undefined
}

/** The levers of a circuit breaker, and what shows their effect. */
export interface Levers {
  readonly state: BreakerState
  status?(now: number): PolicyStatus
  isolate(): void
  trip(reason?: string): void
  reset(): void
  disable(): void
}

/** A circuit breaker, under its name in the shield. */
export interface NamedBreaker {
  readonly name: string
  readonly breaker: Levers
}

/** The live shields, oldest first. A shield without policies has nothing to show and nothing to change. */
export function liveShields(): readonly ShieldFacts[] {
  return registeredShields().filter(({ policies }) => policies.length > 0)
}

/**
 * Finds the live shield with this name.
 *
 * @throws SHIELD_NOT_FOUND; SHIELD_AMBIGUOUS if several shields have this name
 */
export function shieldNamed(name: string, contract: ErrorContract): ShieldFacts {
  const [found, ...others] = liveShields().filter((shield) => shield.name === name)
  if (found === undefined) throw adminError(contract, 'SHIELD_NOT_FOUND', { shield: name })
  if (others.length === 0) return found
  throw adminError(contract, 'SHIELD_AMBIGUOUS', { shield: name, count: others.length + 1 })
}

/** @throws POLICY_NOT_FOUND */
export function policyNamed({ name: shield, policies }: ShieldFacts, name: string, contract: ErrorContract): AnyPolicy {
  const found = policies.find((policy) => policy.name === name)
  if (found !== undefined) return found.policy
  throw adminError(contract, 'POLICY_NOT_FOUND', { shield, policy: name })
}

/**
 * The circuit breakers that an action on a target concerns: the named one, or all of the shield.
 *
 * @throws POLICY_NOT_FOUND; ACTION_NOT_SUPPORTED for a policy that is not a circuit breaker
 */
export function breakersOf(
  shield: ShieldFacts,
  policy: string | undefined,
  action: string,
  contract: ErrorContract,
): readonly NamedBreaker[] {
  if (policy !== undefined) {
    const found = policyNamed(shield, policy, contract)
    if (isBreaker(found)) return [{ name: policy, breaker: found }]
    throw adminError(contract, 'ACTION_NOT_SUPPORTED', { shield: shield.name, policy, type: found.type, action })
  }
  const breakers = shield.policies.flatMap(({ name, policy: one }) => (isBreaker(one) ? [{ name, breaker: one }] : []))
  if (breakers.length > 0) return breakers
  throw adminError(contract, 'POLICY_NOT_FOUND', { shield: shield.name, policy: 'circuitBreaker' })
}

const METHODS = ['isolate', 'trip', 'reset', 'disable'] as const

function isBreaker(policy: AnyPolicy): policy is AnyPolicy & Levers {
  const { type } = policy
  return type === 'circuitBreaker' && METHODS.every((name) => typeof (policy as Partial<Levers>)[name] === 'function')
}
