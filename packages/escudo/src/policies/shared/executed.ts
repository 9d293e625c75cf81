import type { Binding } from '../../core/binding.ts'
import type { PolicyFacts } from '../../core/policy.ts'

/** Emits the outcome of a call for one policy. Separate, so that the functions that run on every call stay small. */
export function emitExecuted(
  { events, shield, policy }: Binding,
  policyType: PolicyFacts['type'],
  outcome: string,
  durationMs: number,
  error?: unknown,
  attempts = 1,
): void {
  const event = { type: 'executed', shield, policy, policyType, outcome, attempts, durationMs } as const
  events.emitExecuted(error === undefined ? event : { ...event, error })
}
