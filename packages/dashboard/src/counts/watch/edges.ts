import type { ServiceWatch } from './service-watch.ts'

const MINUTE_MS = 60_000
const EDGES_MAX = 4_096

/** One service calls another one. Counts are by minute of the called service's clock. */
export interface Edge {
  readonly caller: ServiceWatch
  readonly callee: ServiceWatch
  /** All calls so far. */
  total: number
  minute: number
  calls: number
  failures: number
  callsBefore: number
  failuresBefore: number
}

/** The counts of an edge, to be written into a file. Services are named by their numbers. */
export interface EdgeState extends Omit<Edge, 'caller' | 'callee'> {
  readonly caller: number
  readonly callee: number
}

/** Which services call which. Bounded: further edges are not kept. */
export class Edges {
  readonly #byPair = new Map<number, Edge>()
  readonly #hasLoops: boolean
  #last: Edge | undefined

  /** `hasLoops`: whether calls of a service to itself are kept too. */
  constructor(hasLoops = false) {
    this.#hasLoops = hasLoops
  }

  get all(): readonly Edge[] {
    return [...this.#byPair.values()]
  }

  /** All edges. */
  get state(): readonly EdgeState[] {
    return this.all.map((edge) => ({ ...edge, caller: edge.caller.number, callee: edge.callee.number }))
  }

  /** Takes the edges of a {@link state}. `watches` are the services by their numbers. */
  restore(state: readonly EdgeState[], watches: ReadonlyMap<number, ServiceWatch>): void {
    for (const one of state) {
      const [caller, callee] = [watches.get(one.caller), watches.get(one.callee)]
      if (caller !== undefined && callee !== undefined)
        this.#byPair.set(keyOf(caller, callee), { ...one, caller, callee })
    }
  }

  /** Returns what is known about one service calling another. */
  between(caller: ServiceWatch, callee: ServiceWatch): Edge | undefined {
    return this.#byPair.get(keyOf(caller, callee))
  }

  /** Counts one call. */
  add(caller: ServiceWatch, callee: ServiceWatch, at: number, failed: boolean): void {
    if (caller === callee && !this.#hasLoops) return
    const edge = this.#edge(caller, callee)
    if (edge === undefined) return
    edge.total += 1
    const minute = Math.floor(at / MINUTE_MS)
    if (minute > edge.minute) {
      const isNext = minute === edge.minute + 1
      edge.callsBefore = isNext ? edge.calls : 0
      edge.failuresBefore = isNext ? edge.failures : 0
      edge.minute = minute
      edge.calls = 0
      edge.failures = 0
    }
    if (minute === edge.minute) {
      edge.calls += 1
      if (failed) edge.failures += 1
    } else if (minute === edge.minute - 1) {
      edge.callsBefore += 1
      if (failed) edge.failuresBefore += 1
    }
  }

  #edge(caller: ServiceWatch, callee: ServiceWatch): Edge | undefined {
    if (this.#last?.caller === caller && this.#last.callee === callee) return this.#last
    const key = keyOf(caller, callee)
    const known = this.#byPair.get(key)
    if (known !== undefined) {
      this.#last = known
      return known
    }
    if (this.#byPair.size >= EDGES_MAX) return undefined
    const none = { calls: 0, failures: 0, callsBefore: 0, failuresBefore: 0 }
    const edge: Edge = { caller, callee, total: 0, minute: Number.NEGATIVE_INFINITY, ...none }
    this.#byPair.set(key, edge)
    return edge
  }
}

function keyOf(caller: ServiceWatch, callee: ServiceWatch): number {
  return caller.number * 65_536 + callee.number
}
