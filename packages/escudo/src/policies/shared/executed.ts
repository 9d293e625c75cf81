import type { Binding } from '../../core/binding.ts'
import type { PolicyFacts } from '../../core/policy.ts'

/** Tells what a policy made of a call. A function of its own, so that those that run at every call stay small. */
export function executed({ events, shield, policy }: Binding, policyType: PolicyFacts['type'], outcome: string): void {
  events.emit('executed', { type: 'executed', shield, policy, policyType, outcome, attempts: 1 })
}
