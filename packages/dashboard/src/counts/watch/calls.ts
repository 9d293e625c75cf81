import type { PackedReader, PackedWriter } from '../packed.ts'
import { packTables, type Table, unpackTables } from '../packed-tables.ts'
import type { Times } from '../timeline.ts'
import { Edges } from './edges.ts'
import { type Chain, PendingRequests } from './pending-requests.ts'
import { FAILED } from './request-flags.ts'
import type { ServiceWatch } from './service-watch.ts'

/** The most recent spans that are remembered. */
const SPANS = 16_384
/** The most recent traces whose first request is remembered. */
const ROOTS = 16_384
/** Lines of services on different machines disagree by this much about who began first. */
const SLACK_MS = 5
/** The most requests of one trace, or of one parent, that are looked at. */
const CHAIN_MAX = 32

/** Called when a request that was counted before, in a cell, turns out to be a hop. */
export type OnHop = (times: Times, cell: number, latencyMs: number) => void

/**
 * Tells hops from entry requests, and finds out which service calls which.
 *
 * A request is a hop if its parent span is the span of another line. A client may also give each attempt its own span, which
 * is in no line. Such a request is a hop if its trace has a request without a parent, or one of another service around it.
 *
 * The line of a called service comes before the line of its caller, so requests wait for their callers here. All tables have
 * a fixed size and hold numbers only; a newer entry replaces an older one.
 */
export class Calls {
  readonly #edges: Edges
  readonly #nested: Edges
  readonly #direct: Edges
  readonly #onHop: OnHop
  readonly #services: ServiceWatch[] = []
  readonly #spanHashes = new Int32Array(SPANS)
  /** Numbers of services, from 1. */
  readonly #spanServices = new Uint16Array(SPANS)
  readonly #rootHashes = new Int32Array(ROOTS)
  readonly #rootServices = new Uint16Array(ROOTS)
  readonly #pending = new PendingRequests()
  #seen = 0
  #hasParents = false

  /**
   * `edges` gets the calls that are certain, `nested` the requests of a trace that ran within another one. Of the certain
   * ones, `direct` gets those by a parent span: the first service of a trace may call another one through others.
   */
  constructor(edges: Edges, nested: Edges, onHop: OnHop, direct: Edges = new Edges()) {
    this.#edges = edges
    this.#nested = nested
    this.#direct = direct
    this.#onHop = onHop
  }

  /** Packs all recent spans and requests. Yields whenever `into` is full. */
  *pack(into: PackedWriter): Generator<void> {
    into.integer(this.#seen)
    into.integer(this.#hasParents ? 1 : 0)
    yield* packTables(this.#tables, into)
    yield* this.#pending.pack(into)
  }

  /** Takes the spans and requests that {@link pack} packed. `watches` are the services. */
  restore(from: PackedReader, watches: Iterable<ServiceWatch>): void {
    this.#seen = from.integer()
    this.#hasParents = from.integer() === 1
    unpackTables(this.#tables, from)
    this.#pending.restore(from)
    for (const watch of watches) this.#numberOf(watch)
  }

  get #tables(): readonly Table[] {
    return [this.#spanHashes, this.#spanServices, this.#rootHashes, this.#rootServices]
  }

  /** Records a line with a span, by its hash. Requests that wait for this span become hops. */
  seeSpan(hash: number, watch: ServiceWatch): void {
    // Logs without parents need no table. The first lines are recorded, since their callees may come later.
    if (!this.#hasParents && this.#seen >= SPANS) return
    this.#seen += 1
    const index = hash & (SPANS - 1)
    const service = this.#numberOf(watch)
    if (this.#spanHashes[index] === hash && this.#spanServices[index] === service) return
    this.#spanHashes[index] = hash
    this.#spanServices[index] = service
    if (!this.#hasParents) return
    this.#joinAll(this.#pending.byParent, hash, service, false)
  }

  /** Records a request without a parent: the first of its trace. */
  addRoot(traceHash: number, watch: ServiceWatch): void {
    if (!this.#hasParents && this.#seen > SPANS) return
    const index = traceHash & (ROOTS - 1)
    const root = this.#numberOf(watch)
    this.#rootHashes[index] = traceHash
    this.#rootServices[index] = root
    if (!this.#hasParents) return
    this.#joinAll(this.#pending.byTrace, traceHash, root, true)
  }

  /** Records a request with a parent, by the hash of its span. */
  addChild(
    parent: number,
    traceHash: number | undefined,
    watch: ServiceWatch,
    at: number,
    shownAt: number,
    flags: number,
    cell: number,
    latencyMs: number | undefined,
  ): void {
    this.#hasParents = true
    const service = this.#numberOf(watch)
    const sequence = this.#pending.add(service, at, shownAt, flags, cell, latencyMs ?? Number.NaN)
    const index = parent & (SPANS - 1)
    const caller = this.#spanHashes[index] === parent ? (this.#spanServices[index] ?? 0) : 0
    if (caller !== 0) this.#join(caller, sequence, false)
    else this.#pending.byParent.add(parent, sequence)
    if (traceHash === undefined) return
    // The first service of the trace calls this one too, through others. That is known whatever came first.
    const rootIndex = traceHash & (ROOTS - 1)
    const root = this.#rootHashes[rootIndex] === traceHash ? (this.#rootServices[rootIndex] ?? 0) : 0
    if (root !== 0) this.#join(root, sequence, true)
    this.#compare(traceHash, sequence, root !== 0)
    this.#pending.byTrace.add(traceHash, sequence)
  }

  /** Follows a move of the timeline that counts the requests. */
  move(isMoved: (cell: number) => boolean, fromMs: number, byMs: number): void {
    if (this.#hasParents) this.#pending.move(isMoved, fromMs, byMs)
  }

  /**
   * Compares a request with the others of its trace. If one ran within the other, the inner one is a hop, and the service of
   * the outer one may be its caller: two calls of the same caller may also overlap.
   */
  #compare(traceHash: number, sequence: number, isHop: boolean): void {
    const pending = this.#pending
    let other = pending.byTrace.first(traceHash)
    for (let i = 0; other !== 0 && i < CHAIN_MAX; i += 1) {
      if (pending.serviceOf(other) !== pending.serviceOf(sequence)) {
        this.#nest(sequence, other)
        if (isHop) {
          other = pending.byTrace.next(other, traceHash)
          continue
        }
        const inner = pending.isWithin(sequence, other, SLACK_MS)
        const outer = pending.isWithin(other, sequence, SLACK_MS)
        // Two that took the same time: the name decides, so that the order of lines does not.
        if (inner && (!outer || this.#nameOf(sequence) > this.#nameOf(other))) this.#markHop(sequence)
        else if (outer) this.#markHop(other)
      }
      other = pending.byTrace.next(other, traceHash)
    }
  }

  #nest(a: number, b: number): void {
    const pending = this.#pending
    const [inA, inB] = [pending.isWithin(b, a, 0), pending.isWithin(a, b, 0)]
    if (inA === inB) return
    const [outer, inner] = inA ? [a, b] : [b, a]
    const from = this.#services[pending.serviceOf(outer) - 1]
    const to = this.#services[pending.serviceOf(inner) - 1]
    if (from === undefined || to === undefined) return
    this.#nested.add(from, to, pending.atOf(inner), (pending.flagsOf(inner) & FAILED) !== 0)
  }

  #joinAll(chain: Chain, hash: number, caller: number, isRoot: boolean): void {
    let sequence = chain.first(hash)
    for (let i = 0; sequence !== 0 && i < CHAIN_MAX; i += 1) {
      this.#join(caller, sequence, isRoot)
      sequence = chain.next(sequence, hash)
    }
  }

  #join(caller: number, sequence: number, isRoot: boolean): void {
    const pending = this.#pending
    // The same service twice in a trace: two requests of one user, such as a redirect.
    if (isRoot && caller === pending.serviceOf(sequence)) return
    const [from, to] = [this.#services[caller - 1], this.#services[pending.serviceOf(sequence) - 1]]
    if (from === undefined || to === undefined) return
    if (pending.setCaller(sequence, caller, isRoot)) {
      const failed = (pending.flagsOf(sequence) & FAILED) !== 0
      this.#edges.add(from, to, pending.atOf(sequence), failed)
      if (!isRoot) this.#direct.add(from, to, pending.atOf(sequence), failed)
    }
    this.#markHop(sequence)
  }

  #markHop(sequence: number): void {
    const pending = this.#pending
    const watch = this.#services[pending.serviceOf(sequence) - 1]
    if (watch === undefined || !pending.setHop(sequence)) return
    watch.markHop(pending.atOf(sequence), pending.flagsOf(sequence))
    this.#onHop(pending.timesOf(sequence), pending.cellOf(sequence), pending.latencyOf(sequence))
  }

  #nameOf(sequence: number): string {
    return this.#services[this.#pending.serviceOf(sequence) - 1]?.name ?? ''
  }

  #numberOf(watch: ServiceWatch): number {
    this.#services[watch.number - 1] ??= watch
    return watch.number
  }
}
