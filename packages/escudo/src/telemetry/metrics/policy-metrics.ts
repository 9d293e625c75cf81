import type { Clock } from '../../core/clock.ts'
import { type BreakerState, reportOnce, type ShieldEvent, watchAll } from '../../core/events/events.ts'
import type { AnyPolicy, PolicyStatus } from '../../core/policy.ts'
import { registeredShields, type ShieldFacts } from '../../core/registry.ts'
import { type Family, type FamilyFacts, type Sample, samples } from './families.ts'

type CounterOf = Family<Sample>

const PLACE = ['escudo_shield', 'escudo_policy'] as const
const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open', 'isolated', 'disabled']

/** A throttle is a limit of the rate too: `escudo_policy` tells them apart. */
const RATE_LIMITED = counter(
  'escudo_rate_limiter_requests',
  'Calls by what the rate limiter or the throttle made of them; rejected is a refusal.',
  'outcome',
)

/** Which counter takes the outcomes of which type of policy. */
const EXECUTIONS: Readonly<Record<string, FamilyFacts>> = {
  circuitBreaker: counter(
    'escudo_circuit_breaker_executions',
    'Calls by what the circuit breaker made of them; rejected is a refusal.',
    'outcome',
  ),
  retry: counter('escudo_retry_executions', 'Calls with all their attempts, by what they came to.', 'outcome'),
  timeout: counter('escudo_timeout_executions', 'Calls by whether they ended in time.', 'outcome'),
  rateLimiter: RATE_LIMITED,
  adaptiveThrottle: RATE_LIMITED,
}
/** The policies whose refusals are one outcome among the others, by the code of the refusal. */
const REJECTED: ReadonlyMap<string, FamilyFacts | undefined> = new Map([
  ['CIRCUIT_OPEN', EXECUTIONS['circuitBreaker']],
  ['RATE_LIMITED', RATE_LIMITED],
])
const ATTEMPTS = counter('escudo_retry_attempts', 'Attempts, the first of each call included.')
const CHANGES = counter('escudo_circuit_breaker_state_changes', 'Changes of state.', 'from', 'to', 'reason')
const REJECTIONS = counter('escudo_bulkhead_rejections', 'Calls that found neither a place nor room to wait.')
const FALLBACKS = counter('escudo_fallback_uses', 'Failures in whose place a fallback stood in.')
const STATE = gauge(
  'escudo_circuit_breaker_state',
  'The state that the circuit breaker is in: 1, the others 0.',
  'state',
)
const BULKHEAD: Readonly<Record<string, FamilyFacts>> = {
  inUse: gauge('escudo_bulkhead_in_use', 'Operations at work.'),
  limit: gauge('escudo_bulkhead_limit', 'How many operations may be at work at the same time.'),
  queued: gauge('escudo_bulkhead_queued', 'Calls that wait for a place.'),
}

/** Counts what the policies of all shields tell, and reads their states when they are asked for. */
export class PolicyMetrics {
  readonly #max: number
  readonly #executions: ReadonlyMap<FamilyFacts | undefined, CounterOf>
  readonly #attempts: CounterOf
  readonly #changes: CounterOf
  readonly #rejections: CounterOf
  readonly #fallbacks: CounterOf
  /** Shields whose series are there, or found no place: neither ever changes. */
  readonly #prepared = new WeakSet<ShieldFacts>()
  readonly #unwatch: () => void

  constructor(maxSeries: number) {
    this.#max = maxSeries
    this.#executions = new Map(Object.values(EXECUTIONS).map((facts) => [facts, samples(facts, maxSeries)]))
    this.#attempts = samples(ATTEMPTS, maxSeries)
    this.#changes = samples(CHANGES, maxSeries)
    this.#rejections = samples(REJECTIONS, maxSeries)
    this.#fallbacks = samples(FALLBACKS, maxSeries)
    this.#unwatch = watchAll((event) => this.#count(event), ['executed', 'rejected', 'stateChange', 'fallback'])
  }

  /** The counters, which only ever grow. */
  get counters(): readonly CounterOf[] {
    return [...this.#executions.values(), this.#attempts, this.#changes, this.#rejections, this.#fallbacks]
  }

  close(): void {
    this.#unwatch()
  }

  /** Every series of every shield that there is, at zero where nothing has been counted. */
  prepare(shields: readonly ShieldFacts[] = registeredShields()): void {
    for (const facts of shields) {
      if (this.#prepared.has(facts)) continue
      this.#prepared.add(facts)
      for (const { name, policy } of facts.policies) this.#prepare(facts.name, name, policy)
    }
  }

  #prepare(shield: string, name: string, { type, countable }: AnyPolicy): void {
    const executions = this.#executions.get(EXECUTIONS[type])
    for (const outcome of countable?.outcomes ?? []) executions?.known([shield, name, outcome])
    for (const { from, to, reason } of countable?.transitions ?? [])
      this.#changes.known([shield, name, from, to, reason])
    if ([...REJECTED.values()].includes(EXECUTIONS[type])) executions?.known([shield, name, 'rejected'])
    if (type === 'retry') this.#attempts.known([shield, name])
    if (type === 'bulkhead' || type === 'adaptiveLimiter') this.#rejections.known([shield, name])
    if (type === 'fallback') this.#fallbacks.known([shield, name])
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
   * What the policies are in at this moment. Where several shields share a name, their bulkheads add up, and the state
   * is that of the breaker that was built last.
   */
  gauges(shields: readonly ShieldFacts[] = registeredShields()): readonly Family<Sample>[] {
    const state = samples(STATE, this.#max)
    const bulkhead = new Map(Object.entries(BULKHEAD).map(([key, facts]) => [key, samples(facts, this.#max)]))
    for (const { name: shield, clock, policies } of shields) {
      for (const { name, policy } of policies) {
        if (policy.type !== 'circuitBreaker' && policy.type !== 'bulkhead') continue
        const status = statusOf(policy, clock)
        if (status === undefined) continue
        if (policy.type === 'circuitBreaker') {
          for (const one of STATES) setState(state, [shield, name, one], status['state'] === one ? 1 : 0)
        } else {
          for (const [key, family] of bulkhead) family.at([shield, name]).value += Number(status[key])
        }
      }
    }
    return [state, ...bulkhead.values()]
  }
}

/** A policy may be somebody else's, and so may a clock: what they throw costs their own series, and no other. */
function statusOf(policy: AnyPolicy, clock: Clock): PolicyStatus | undefined {
  try {
    return policy.status?.(clock.now())
  } catch (error) {
    reportOnce(policy, error, `the status of the policy '${policy.name}'`)
    return undefined
  }
}

/** Of folded breakers it is known how many there are. */
function setState(family: Family<Sample>, labels: readonly string[], value: 0 | 1): void {
  const series = family.known(labels)
  if (series === undefined) family.at(labels).value += value
  else series.value = value
}

function add(family: CounterOf | undefined, labels: readonly string[], amount = 1): void {
  if (family !== undefined) family.at(labels).value += amount
}

function counter(name: string, help: string, ...labels: readonly string[]): FamilyFacts {
  return { name, help, type: 'counter', labels: [...PLACE, ...labels] }
}

function gauge(name: string, help: string, ...labels: readonly string[]): FamilyFacts {
  return { name, help, type: 'gauge', labels: [...PLACE, ...labels] }
}
