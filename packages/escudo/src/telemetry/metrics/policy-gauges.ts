import type { Clock } from '../../core/clock.ts'
import { type BreakerState, reportOnce } from '../../core/events/events.ts'
import type { AnyPolicy, PolicyStatus } from '../../core/policy.ts'
import type { ShieldFacts } from '../../core/registry.ts'
import * as all from './definitions.ts'
import { type Family, type Sample, samples } from './families.ts'

const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open', 'isolated', 'disabled']

/** The gauges of each type of policy, by the field of its status. Those of shields with the same name are added. */
const GAUGES: Readonly<Record<string, Readonly<Record<string, all.FamilyFacts>>>> = {
  bulkhead: { inUse: all.BULKHEAD_IN_USE, limit: all.BULKHEAD_LIMIT, queued: all.BULKHEAD_QUEUED },
  adaptiveLimiter: { inFlight: all.ADAPTIVE_IN_USE, limit: all.ADAPTIVE_LIMIT },
}

/**
 * Reads the gauges of all policies. If several shields share a name, the values of their limiters are added, and the
 * state is that of the breaker that was built last.
 */
export function policyGauges(shields: readonly ShieldFacts[], maxSeries: number): readonly Family<Sample>[] {
  const state = samples(all.BREAKER_STATE, maxSeries)
  const families = new Map(
    Object.values(GAUGES)
      .flatMap((fields) => Object.values(fields))
      .map((facts) => [facts, samples(facts, maxSeries)]),
  )
  for (const { name: shield, clock, policies } of shields) {
    for (const { name, policy } of policies) {
      const fields = Object.hasOwn(GAUGES, policy.type) ? GAUGES[policy.type] : undefined
      if (policy.type !== 'circuitBreaker' && fields === undefined) continue
      const status = statusOf(policy, clock)
      if (status === undefined) continue
      if (fields === undefined) {
        for (const value of STATES) setState(state, [shield, name, value], status['state'] === value ? 1 : 0)
        continue
      }
      for (const [field, facts] of Object.entries(fields)) {
        const family = families.get(facts) as Family<Sample>
        family.seriesFor([shield, name]).value += Number(status[field])
      }
    }
  }
  return [state, ...families.values()]
}

/** Reads the status of a policy. A custom policy or clock can throw: then only its own gauges are missing. */
function statusOf(policy: AnyPolicy, clock: Clock): PolicyStatus | undefined {
  try {
    return policy.status?.(clock.now())
  } catch (error) {
    reportOnce(policy, error, `the status of the policy '${policy.name}'`)
    return undefined
  }
}

/** Sets the state of a breaker. The overflow series counts the breakers in this state instead. */
function setState(family: Family<Sample>, labels: readonly string[], value: 0 | 1): void {
  const series = family.reserve(labels)
  if (series === undefined) family.seriesFor(labels).value += value
  else series.value = value
}
