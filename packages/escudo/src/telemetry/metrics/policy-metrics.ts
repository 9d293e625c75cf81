import { watchCalls } from '../../core/engine/watched-call.ts'
import { CALL_OUTCOMES } from '../../core/events/call-events.ts'
import { FLEET, MANUAL_TRIP, type ShieldEvent, type ShieldEvents, watchAll } from '../../core/events/events.ts'
import type { AnyPolicy } from '../../core/policy.ts'
import type { ShieldFacts } from '../../core/registry.ts'
import * as all from './definitions.ts'
import { type Family, HistogramFamily, type Sample, samples } from './families.ts'
import type { Histogram } from './histogram.ts'
import { OpenPeriods } from './open-periods.ts'

type CounterFamily = Family<Sample>

/** The counter of outcomes for each type of policy. */
const EXECUTIONS: ReadonlyMap<string, all.FamilyFacts> = new Map([
  ['circuitBreaker', all.BREAKER_EXECUTIONS],
  ['retry', all.RETRY_EXECUTIONS],
  ['timeout', all.TIMEOUT_EXECUTIONS],
  ['rateLimiter', all.RATE_LIMITED],
  ['adaptiveThrottle', all.RATE_LIMITED],
  ['cache', all.CACHE_REQUESTS],
  ['hedge', all.HEDGE_EXECUTIONS],
])
/** The counters that have an outcome `rejected`, by the error code of the refusal. */
const REJECTED: ReadonlyMap<string, all.FamilyFacts> = new Map([
  ['CIRCUIT_OPEN', all.BREAKER_EXECUTIONS],
  ['RATE_LIMITED', all.RATE_LIMITED],
])
const WATCHED = ['executed', 'rejected', 'stateChange', 'fallback', 'retry'] as const

type WatchedEvent = Extract<ShieldEvent, { readonly type: (typeof WATCHED)[number] }>

/** Counts what the calls and the policies of all shields report. */
export class PolicyMetrics {
  readonly #calls: HistogramFamily
  /** One family for each definition. Types of policies may share one. */
  readonly #executions: ReadonlyMap<all.FamilyFacts, CounterFamily>
  readonly #executionsOf: ReadonlyMap<string, CounterFamily>
  readonly #attemptsOf: ReadonlyMap<string, CounterFamily>
  readonly #changes: CounterFamily
  readonly #openPeriods: HistogramFamily
  readonly #delays: HistogramFamily
  readonly #waitsOf: ReadonlyMap<string, HistogramFamily>
  readonly #rejections: CounterFamily
  readonly #fallbacks: CounterFamily
  readonly #open = new OpenPeriods()
  /** Shields that {@link prepare} has handled. They need it only once, even if some series had no room. */
  readonly #prepared = new WeakSet<ShieldFacts>()
  readonly #stopWatching: readonly (() => void)[]

  constructor(maxSeries: number) {
    const counters = (facts: all.FamilyFacts): CounterFamily => samples(facts, maxSeries)
    const durations = (facts: all.FamilyFacts): HistogramFamily =>
      new HistogramFamily(facts, maxSeries, all.BOUNDS_SECONDS)
    this.#calls = durations(all.CALLS)
    const executions = new Map([...new Set(EXECUTIONS.values())].map((facts) => [facts, counters(facts)]))
    this.#executions = executions
    this.#executionsOf = new Map([...EXECUTIONS].map(([type, facts]) => [type, executions.get(facts) as CounterFamily]))
    this.#attemptsOf = new Map([
      ['retry', counters(all.RETRY_ATTEMPTS)],
      ['hedge', counters(all.HEDGE_ATTEMPTS)],
    ])
    this.#changes = counters(all.BREAKER_CHANGES)
    this.#openPeriods = new HistogramFamily(all.BREAKER_OPEN, maxSeries, all.OPEN_BOUNDS_SECONDS)
    this.#delays = durations(all.RETRY_DELAY)
    this.#waitsOf = new Map([
      ['bulkhead', durations(all.BULKHEAD_WAIT)],
      ['rateLimiter', durations(all.RATE_LIMITER_WAIT)],
    ])
    this.#rejections = counters(all.BULKHEAD_REJECTIONS)
    this.#fallbacks = counters(all.FALLBACKS)
    this.#stopWatching = [
      watchAll((event) => this.#count(event as WatchedEvent), WATCHED),
      watchCalls({
        ended: (shield, outcome, durationMs) => this.#calls.seriesFor([shield, outcome]).observe(durationMs / 1_000),
        waited: (shield, policy, type, waitedMs) =>
          this.#waitsOf
            .get(type)
            ?.seriesFor([shield, policy])
            .observe(waitedMs / 1_000),
      }),
    ]
  }

  /** The counters and histograms. Their values only increase. */
  get families(): readonly Family<Sample | Histogram>[] {
    return [
      this.#calls,
      ...this.#executions.values(),
      ...this.#attemptsOf.values(),
      this.#changes,
      this.#openPeriods,
      this.#delays,
      ...this.#waitsOf.values(),
      this.#rejections,
      this.#fallbacks,
    ]
  }

  close(): void {
    for (const stop of this.#stopWatching) stop()
  }

  /** Creates the series of every shield, so that they are present at zero before the first event. */
  prepare(shields: readonly ShieldFacts[]): void {
    for (const facts of shields) {
      if (this.#prepared.has(facts)) continue
      this.#prepared.add(facts)
      for (const outcome of CALL_OUTCOMES) this.#calls.reserve([facts.name, outcome])
      for (const { name, policy } of facts.policies) this.#prepare(facts.name, name, policy)
    }
  }

  #prepare(shield: string, name: string, { type, countable }: AnyPolicy): void {
    const executions = this.#executionsOf.get(type)
    for (const outcome of countable?.outcomes ?? []) executions?.reserve([shield, name, outcome])
    for (const { from, to, reason } of countable?.transitions ?? [])
      this.#changes.reserve([shield, name, from, to, reason])
    if (executions !== undefined && [...REJECTED.values()].includes(executions.facts))
      executions.reserve([shield, name, 'rejected'])
    this.#attemptsOf.get(type)?.reserve([shield, name])
    this.#waitsOf.get(type)?.reserve([shield, name])
    if (type === 'circuitBreaker') this.#openPeriods.reserve([shield, name])
    if (type === 'retry') this.#delays.reserve([shield, name])
    if (type === 'bulkhead' || type === 'adaptiveLimiter') this.#rejections.reserve([shield, name])
    if (type === 'fallback') this.#fallbacks.reserve([shield, name])
  }

  #count(event: WatchedEvent): void {
    const { shield, policy } = event
    switch (event.type) {
      case 'executed':
        add(this.#executionsOf.get(event.policyType), [shield, policy, event.outcome])
        add(this.#attemptsOf.get(event.policyType), [shield, policy], event.attempts)
        return
      case 'rejected': {
        const executions = REJECTED.get(event.code)
        if (executions !== undefined) add(this.#executions.get(executions), [shield, policy, 'rejected'])
        if (event.code === 'BULKHEAD_FULL') add(this.#rejections, [shield, policy])
        return
      }
      case 'stateChange':
        this.#countChange(event)
        return
      case 'retry':
        this.#delays.seriesFor([shield, policy]).observe(event.delayMs / 1_000)
        return
      case 'fallback':
        add(this.#fallbacks, [shield, policy])
    }
  }

  #countChange(event: ShieldEvents['stateChange']): void {
    const { shield, policy, from, to } = event
    // The text after a colon is no label: there would be a series for each text.
    const reason = [MANUAL_TRIP, FLEET].find((known) => event.reason.startsWith(`${known}:`)) ?? event.reason
    add(this.#changes, [shield, policy, from, to, reason])
    const openedForMs = this.#open.change(event)
    if (openedForMs !== undefined) this.#openPeriods.seriesFor([shield, policy]).observe(openedForMs / 1_000)
  }
}

function add(family: CounterFamily | undefined, labels: readonly string[], amount = 1): void {
  if (family !== undefined) family.seriesFor(labels).value += amount
}
