import type { Clock } from '../../core/clock.ts'
import { type BreakerState, reportOnce, type ShieldEvent, watchAll } from '../../core/events/events.ts'
import type { AnyPolicy, PolicyStatus } from '../../core/policy.ts'
import { registeredShields, type ShieldFacts } from '../../core/registry.ts'
import { type Family, type FamilyFacts, type Sample, samples } from './families.ts'

type CounterFamily = Family<Sample>

const POLICY_LABELS = ['escudo_shield', 'escudo_policy'] as const
const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open', 'isolated', 'disabled']

/** Shared by rate limiters and adaptive throttles. The label `escudo_policy` distinguishes them. */
const RATE_LIMITED = counter(
  'escudo_rate_limiter_requests',
  'Calls by outcome at the rate limiter or adaptive throttle; rejected calls were not run.',
  'outcome',
)

/** The counter of outcomes for each type of policy. */
const EXECUTIONS: Readonly<Record<string, FamilyFacts>> = {
  circuitBreaker: counter(
    'escudo_circuit_breaker_executions',
    'Calls by outcome at the circuit breaker; rejected calls were not run.',
    'outcome',
  ),
  retry: counter('escudo_retry_executions', 'Calls by outcome after all their attempts.', 'outcome'),
  timeout: counter('escudo_timeout_executions', 'Calls by outcome: ended in time, timed out, or aborted.', 'outcome'),
  rateLimiter: RATE_LIMITED,
  adaptiveThrottle: RATE_LIMITED,
}
/** The counters that have an outcome `rejected`, by the error code of the refusal. */
const REJECTED: ReadonlyMap<string, FamilyFacts | undefined> = new Map([
  ['CIRCUIT_OPEN', EXECUTIONS['circuitBreaker']],
  ['RATE_LIMITED', RATE_LIMITED],
])
const ATTEMPTS = counter('escudo_retry_attempts', 'Attempts, including the first attempt of each call.')
const CHANGES = counter(
  'escudo_circuit_breaker_state_changes',
  'State changes of the circuit breaker, by old state, new state and reason.',
  'from',
  'to',
  'reason',
)
const REJECTIONS = counter('escudo_bulkhead_rejections', 'Calls that the bulkhead or adaptive limiter rejected.')
const FALLBACKS = counter('escudo_fallback_uses', 'Failures that a fallback replaced.')
const STATE = gauge(
  'escudo_circuit_breaker_state',
  'State of the circuit breaker: 1 for the current state, 0 for the others.',
  'state',
)
const BULKHEAD: Readonly<Record<string, FamilyFacts>> = {
  inUse: gauge('escudo_bulkhead_in_use', 'Operations that are running now.'),
  limit: gauge('escudo_bulkhead_limit', 'Maximum number of concurrent operations.'),
  queued: gauge('escudo_bulkhead_queued', 'Calls that are waiting for a permit.'),
}

/** Counts the events of the policies of all shields. Reads their states at each scrape. */
export class PolicyMetrics {
  readonly #maxSeries: number
  readonly #executions: ReadonlyMap<FamilyFacts | undefined, CounterFamily>
  readonly #attempts: CounterFamily
  readonly #changes: CounterFamily
  readonly #rejections: CounterFamily
  readonly #fallbacks: CounterFamily
  /** Shields that {@link prepare} has handled. They need it only once, even if some series had no room. */
  readonly #prepared = new WeakSet<ShieldFacts>()
  readonly #stopWatching: () => void

  constructor(maxSeries: number) {
    this.#maxSeries = maxSeries
    this.#executions = new Map(Object.values(EXECUTIONS).map((facts) => [facts, samples(facts, maxSeries)]))
    this.#attempts = samples(ATTEMPTS, maxSeries)
    this.#changes = samples(CHANGES, maxSeries)
    this.#rejections = samples(REJECTIONS, maxSeries)
    this.#fallbacks = samples(FALLBACKS, maxSeries)
    this.#stopWatching = watchAll((event) => this.#count(event), ['executed', 'rejected', 'stateChange', 'fallback'])
  }

  /** The counters. Their values only increase. */
  get counters(): readonly CounterFamily[] {
    return [...this.#executions.values(), this.#attempts, this.#changes, this.#rejections, this.#fallbacks]
  }

  close(): void {
    this.#stopWatching()
  }

  /** Creates the series of every shield, so that they are present at zero before the first event. */
  prepare(shields: readonly ShieldFacts[] = registeredShields()): void {
    for (const facts of shields) {
      if (this.#prepared.has(facts)) continue
      this.#prepared.add(facts)
      for (const { name, policy } of facts.policies) this.#prepare(facts.name, name, policy)
    }
  }

  #prepare(shield: string, name: string, { type, countable }: AnyPolicy): void {
    const executions = this.#executions.get(EXECUTIONS[type])
    for (const outcome of countable?.outcomes ?? []) executions?.reserve([shield, name, outcome])
    for (const { from, to, reason } of countable?.transitions ?? [])
      this.#changes.reserve([shield, name, from, to, reason])
    if ([...REJECTED.values()].includes(EXECUTIONS[type])) executions?.reserve([shield, name, 'rejected'])
    if (type === 'retry') this.#attempts.reserve([shield, name])
    if (type === 'bulkhead' || type === 'adaptiveLimiter') this.#rejections.reserve([shield, name])
    if (type === 'fallback') this.#fallbacks.reserve([shield, name])
  }

  #count(event: ShieldEvent): void {
    const { shield, policy } = event
    switch (event.type) {
      case 'executed':
        add(this.#executions.get(EXECUTIONS[event.policyType]), [shield, policy, event.outcome])
        if (event.policyType === 'retry') add(this.#attempts, [shield, policy], event.attempts)
        return
      case 'rejected':
        add(this.#executions.get(REJECTED.get(event.code)), [shield, policy, 'rejected'])
        if (event.code === 'BULKHEAD_FULL') add(this.#rejections, [shield, policy])
        return
      case 'stateChange':
        add(this.#changes, [shield, policy, event.from, event.to, event.reason])
        return
      case 'fallback':
        add(this.#fallbacks, [shield, policy])
    }
  }

  /**
   * Reads the gauges of all policies. If several shields share a name, the values of their bulkheads are added, and the
   * state is that of the breaker that was built last.
   */
  gauges(shields: readonly ShieldFacts[] = registeredShields()): readonly Family<Sample>[] {
    const state = samples(STATE, this.#maxSeries)
    const bulkhead = new Map(Object.entries(BULKHEAD).map(([key, facts]) => [key, samples(facts, this.#maxSeries)]))
    for (const { name: shield, clock, policies } of shields) {
      for (const { name, policy } of policies) {
        if (policy.type !== 'circuitBreaker' && policy.type !== 'bulkhead') continue
        const status = statusOf(policy, clock)
        if (status === undefined) continue
        if (policy.type === 'circuitBreaker') {
          for (const value of STATES) setState(state, [shield, name, value], status['state'] === value ? 1 : 0)
        } else {
          for (const [key, family] of bulkhead) family.seriesFor([shield, name]).value += Number(status[key])
        }
      }
    }
    return [state, ...bulkhead.values()]
  }
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

function add(family: CounterFamily | undefined, labels: readonly string[], amount = 1): void {
  if (family !== undefined) family.seriesFor(labels).value += amount
}

function counter(name: string, help: string, ...labels: readonly string[]): FamilyFacts {
  return { name, help, type: 'counter', labels: [...POLICY_LABELS, ...labels] }
}

function gauge(name: string, help: string, ...labels: readonly string[]): FamilyFacts {
  return { name, help, type: 'gauge', labels: [...POLICY_LABELS, ...labels] }
}
