import { Latest } from './latest.ts'
import { Refusals, type RefusalsState } from './refusals.ts'
import { instanceName } from './watch/instances.ts'

/** The most breakers that are tracked: each instance of a service has its own. */
const BREAKERS_MAX = 500
/** The most changes kept per breaker. `transitions` counts beyond this. */
const CHANGES_MAX = 500

/** A state change of a breaker. */
export interface Change {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly traceId: string | undefined
  /** Why, as the breaker says it. */
  readonly reason?: string | undefined
  /** The failures that opened it, and the calls among which they were. */
  readonly failures?: number | undefined
  readonly calls?: number | undefined
  /** The code or the type of the last failure. */
  readonly error?: string | undefined
  /** The process whose breaker it is, if its lines name one. */
  readonly process?: string | undefined
}

/** What is known of a breaker, to be written into a file. */
export interface BreakerState {
  readonly service: string
  readonly shield: string
  readonly policy: string
  readonly instance: string | undefined
  readonly transitions: number
  readonly changes: readonly Change[]
  readonly refusals: RefusalsState
}

/** A breaker of one instance of a service, and its state changes. */
export class BreakerHistory {
  readonly service: string
  readonly shield: string
  readonly policy: string
  /** The instance of the service whose breaker it is; undefined if its lines name none. */
  readonly instance: string | undefined
  readonly changes: Latest<Change> = new Latest(CHANGES_MAX)
  readonly refusals: Refusals = new Refusals()
  /** The number of all changes, including those no longer kept. */
  transitions = 0

  constructor(service: string, shield: string, policy: string, instance: string | undefined) {
    this.service = service
    this.shield = shield
    this.policy = policy
    this.instance = instance
  }

  /** The state after the latest change. */
  get state(): string {
    return this.changes.items.at(-1)?.to ?? 'closed'
  }

  /** The process of the latest change. */
  get process(): string | undefined {
    return this.changes.items.at(-1)?.process
  }

  /** When it was last closed before the present trouble, so a failed probe does not change it; undefined while closed. */
  get openSince(): number | undefined {
    const { items } = this.changes
    if (this.state === 'closed') return undefined
    return items[items.findLastIndex(({ to }) => to === 'closed') + 1]?.at
  }

  /** The time of the latest change. */
  get since(): number | undefined {
    return this.changes.items.at(-1)?.at
  }
}

/** Tracks every breaker that appears in the lines. */
export class Breakers {
  readonly #byKey = new Map<string, BreakerHistory>()
  #revision = 0

  /** The breakers that changed their state. */
  get all(): readonly BreakerHistory[] {
    return [...this.#byKey.values()].filter(({ transitions }) => transitions > 0)
  }

  /** Increases with every change. */
  get revision(): number {
    return this.#revision
  }

  /** All that is known. */
  get state(): readonly BreakerState[] {
    return [...this.#byKey.values()].map(({ service, shield, policy, instance, transitions, changes, refusals }) => ({
      ...{ service, shield, policy, instance, transitions },
      changes: changes.items,
      refusals: refusals.state,
    }))
  }

  /** Takes what is known of a {@link state}. */
  restore(state: readonly BreakerState[]): void {
    for (const { service, shield, policy, instance, transitions, changes, refusals } of state) {
      const breaker = this.#of(service, shield, policy, instance)
      if (breaker === undefined) continue
      breaker.transitions = transitions
      breaker.changes.restore(changes)
      breaker.refusals.restore(refusals)
    }
    this.#revision += 1
  }

  /**
   * Adds one change. Changes may arrive in any order.
   *
   * @param latest the latest time that can be right now: after a clock was set back, a later change is older than this one
   */
  add(
    service: string,
    shield: string,
    policy: string,
    change: Change,
    latest: number = Number.POSITIVE_INFINITY,
  ): void {
    const breaker = this.#of(service, shield, policy, instanceName(change.process))
    if (breaker === undefined) return
    if (change.at <= latest) breaker.changes.dropAfter(latest)
    breaker.transitions += 1
    breaker.changes.add(change)
    this.#revision += 1
  }

  /**
   * Counts calls that a breaker refused. Without a policy, they count for the first breaker of the shield.
   *
   * @param process what wrote the line, if it says so
   */
  refuse(
    service: string,
    shield: string,
    policy: string | undefined,
    at: number,
    count: number,
    process: string | undefined,
    retryMs?: number,
  ): void {
    const instance = instanceName(process)
    const breaker =
      policy === undefined
        ? [...this.#byKey.values()].find(
            (one) => one.service === service && one.shield === shield && one.instance === instance,
          )
        : this.#of(service, shield, policy, instance)
    breaker?.refusals.add(at, count, retryMs)
  }

  #of(service: string, shield: string, policy: string, instance: string | undefined): BreakerHistory | undefined {
    const key = [service, shield, policy, instance ?? ''].join('\u0000')
    const known = this.#byKey.get(key)
    if (known !== undefined || this.#byKey.size >= BREAKERS_MAX) return known
    const breaker = new BreakerHistory(service, shield, policy, instance)
    this.#byKey.set(key, breaker)
    return breaker
  }
}
