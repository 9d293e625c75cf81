import { Latest } from './latest.ts'

/** The most breakers that are followed. */
export const BREAKERS_MAX = 200
/** The most changes that are kept of one; the count goes on. */
export const CHANGES_MAX = 500

/** One change of a breaker's state. */
export interface Change {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly traceId: string | undefined
}

/** A breaker, as its changes tell it. */
export class BreakerLane {
  readonly service: string
  readonly shield: string
  readonly policy: string
  readonly changes: Latest<Change> = new Latest(CHANGES_MAX)
  /** All changes, those no longer kept included. */
  transitions = 0

  constructor(service: string, shield: string, policy: string) {
    this.service = service
    this.shield = shield
    this.policy = policy
  }

  /** The state after the newest change. */
  get state(): string {
    return this.changes.items.at(-1)?.to ?? 'closed'
  }

  /** The time of the newest change. */
  get since(): number | undefined {
    return this.changes.items.at(-1)?.at
  }
}

/** Every breaker that the lines told of. */
export class Breakers {
  readonly #lanes = new Map<string, BreakerLane>()
  #revision = 0

  get lanes(): readonly BreakerLane[] {
    return [...this.#lanes.values()]
  }

  /** Rises with every change. */
  get revision(): number {
    return this.#revision
  }

  /** Takes one change, in whatever order they come. */
  add(service: string, shield: string, policy: string, change: Change): void {
    const key = [service, shield, policy].join('\u0000')
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      if (this.#lanes.size >= BREAKERS_MAX) return
      lane = new BreakerLane(service, shield, policy)
      this.#lanes.set(key, lane)
    }
    lane.transitions += 1
    lane.changes.add(change)
    this.#revision += 1
  }
}
