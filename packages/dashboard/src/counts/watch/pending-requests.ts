import type { PackedReader, PackedWriter } from '../packed.ts'
import { packTables, type Table, unpackTables } from '../packed-tables.ts'
import { movedTimes, TIERS, type Times } from '../timeline.ts'

/** The most requests that wait for their callers. */
const PENDING = 16_384
const MASK = PENDING - 1
const HEADS = 16_384
/** Sequence numbers have 32 bits, since that is half the memory to look through. */
const LAST_MAX = 0xffff_ffff

/** Finds pending requests by a hash, newest first. */
export class Chain {
  readonly #heads = new Uint32Array(HEADS)
  readonly #hashes = new Int32Array(PENDING)
  readonly #next = new Uint32Array(PENDING)
  readonly #isKept: (sequence: number) => boolean

  constructor(isKept: (sequence: number) => boolean) {
    this.#isKept = isKept
  }

  get tables(): readonly Table[] {
    return [this.#heads, this.#hashes, this.#next]
  }

  add(hash: number, sequence: number): void {
    const head = hash & (HEADS - 1)
    this.#next[sequence & MASK] = this.#heads[head] ?? 0
    this.#hashes[sequence & MASK] = hash
    this.#heads[head] = sequence
  }

  clear(): void {
    this.#heads.fill(0)
  }

  /** Returns the newest request with this hash; 0 for none. */
  first(hash: number): number {
    return this.#find(this.#heads[hash & (HEADS - 1)] ?? 0, hash)
  }

  /** Returns the next older one; 0 for none. */
  next(sequence: number, hash: number): number {
    return this.#find(this.#next[sequence & MASK] ?? 0, hash)
  }

  #find(from: number, hash: number): number {
    for (let sequence = from; sequence !== 0; ) {
      // The place of an older request belongs to a newer one now, and so do the links from there.
      if (!this.#isKept(sequence)) return 0
      if (this.#hashes[sequence & MASK] === hash) return sequence
      const older = this.#next[sequence & MASK] ?? 0
      if (older >= sequence) return 0
      sequence = older
    }
    return 0
  }
}

/** Requests that wait for their callers, in typed arrays: objects that live this long would burden the garbage collector. */
export class PendingRequests {
  readonly byParent: Chain
  readonly byTrace: Chain
  readonly #services = new Uint16Array(PENDING)
  readonly #callers = new Uint16Array(PENDING)
  readonly #roots = new Uint16Array(PENDING)
  readonly #ats = new Float64Array(PENDING)
  /** When each is counted, in each tier. */
  readonly #times: readonly Float64Array[] = TIERS.map(() => new Float64Array(PENDING))
  readonly #read = TIERS.map(() => 0)
  readonly #latencies = new Float64Array(PENDING)
  readonly #cells = new Uint32Array(PENDING)
  readonly #flags = new Uint8Array(PENDING)
  readonly #hops = new Uint8Array(PENDING)
  #last = 0

  constructor() {
    const isKept = (sequence: number): boolean => sequence > this.#last - PENDING
    this.byParent = new Chain(isKept)
    this.byTrace = new Chain(isKept)
  }

  /** Packs all requests. Yields whenever `into` is full. */
  *pack(into: PackedWriter): Generator<void> {
    into.integer(this.#last)
    yield* packTables(this.#tables, into)
  }

  /** Takes the requests that {@link pack} packed. */
  restore(from: PackedReader): void {
    this.#last = from.integer()
    unpackTables(this.#tables, from)
  }

  get #tables(): readonly Table[] {
    return [
      ...this.byParent.tables,
      ...this.byTrace.tables,
      ...[this.#services, this.#callers, this.#roots, this.#ats, ...this.#times],
      ...[this.#latencies, this.#cells, this.#flags, this.#hops],
    ]
  }

  /** Adds a request and returns its sequence number, at least 1. It replaces the oldest one. */
  add(service: number, at: number, shownAt: number, flags: number, cell: number, latencyMs: number): number {
    if (this.#last === LAST_MAX) {
      this.#last = 0
      this.byParent.clear()
      this.byTrace.clear()
    }
    this.#last += 1
    const index = this.#last & MASK
    this.#services[index] = service
    this.#callers[index] = 0
    this.#roots[index] = 0
    this.#ats[index] = at
    for (const times of this.#times) times[index] = shownAt
    this.#latencies[index] = latencyMs
    this.#cells[index] = cell
    this.#flags[index] = flags
    this.#hops[index] = 0
    return this.#last
  }

  serviceOf(sequence: number): number {
    return this.#services[sequence & MASK] ?? 0
  }

  atOf(sequence: number): number {
    return this.#ats[sequence & MASK] ?? 0
  }

  /**
   * When it is counted. Its own time is that of the clock of its service.
   *
   * Valid until the next call: most requests of a large log are hops, and an array for each would be garbage.
   */
  timesOf(sequence: number): Times {
    for (let tier = 0; tier < this.#times.length; tier += 1)
      this.#read[tier] = this.#times[tier]?.[sequence & MASK] ?? 0
    return this.#read
  }

  /** Follows a move of the timeline that counts the requests. */
  move(isMoved: (cell: number) => boolean, fromMs: number, byMs: number): void {
    for (let index = 0; index < PENDING; index += 1) {
      if (this.#hops[index] === 1 || !isMoved(this.#cells[index] ?? 0)) continue
      const moved = movedTimes(this.timesOf(index), fromMs, byMs)
      for (const [tier, times] of this.#times.entries()) times[index] = moved[tier] ?? 0
    }
  }

  /** NaN without a latency. */
  latencyOf(sequence: number): number {
    return this.#latencies[sequence & MASK] ?? Number.NaN
  }

  /** The cell that counts it. */
  cellOf(sequence: number): number {
    return this.#cells[sequence & MASK] ?? 0
  }

  flagsOf(sequence: number): number {
    return this.#flags[sequence & MASK] ?? 0
  }

  /** Records that a request is a hop. Returns false if that was known. */
  setHop(sequence: number): boolean {
    if (this.#hops[sequence & MASK] === 1) return false
    this.#hops[sequence & MASK] = 1
    return true
  }

  /** Records which service calls it, directly or as the root of its trace. Returns false if that was known. */
  setCaller(sequence: number, caller: number, isRoot: boolean): boolean {
    const index = sequence & MASK
    const isKnown = this.#callers[index] === caller || this.#roots[index] === caller
    const callers = isRoot ? this.#roots : this.#callers
    // Of several services with the same claim, the first one counts.
    if (callers[index] === 0) callers[index] = caller
    return !isKnown && callers[index] === caller
  }

  /** Whether one request began and ended while the other one ran. */
  isWithin(inner: number, outer: number, slackMs: number): boolean {
    return this.#startOf(outer) <= this.#startOf(inner) + slackMs && this.atOf(outer) >= this.atOf(inner) - slackMs
  }

  #startOf(sequence: number): number {
    const latencyMs = this.latencyOf(sequence)
    return this.atOf(sequence) - (Number.isNaN(latencyMs) ? 0 : latencyMs)
  }
}
