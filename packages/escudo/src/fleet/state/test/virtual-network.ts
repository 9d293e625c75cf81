import { seededRandom } from '../../../core/random.ts'

interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** A world of events in virtual time, with a network that delays, reorders, drops and partitions. */
export class VirtualNetwork {
  readonly random: () => number
  nowMs = 0
  /** How many events have run. */
  events = 0
  /** How much Redis' clock differs from the true time. */
  redisOffsetMs = 0
  /** The share of messages that get lost. */
  lossRate = 0
  /** How long a message takes at most. */
  delayMsMax = 2
  /** Whether Redis answers. */
  isUp = true
  /** The instances that do not reach Redis. */
  readonly partitioned = new Set<number>()
  readonly #heap: Event[] = []
  #order = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  between(low: number, high: number): number {
    return low + this.random() * (high - low)
  }

  after(delayMs: number, run: () => void): void {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run }
    const heap = this.#heap
    let index = heap.push(event) - 1
    for (
      let parent = (index - 1) >> 1;
      index > 0 && isBefore(event, heap[parent] as Event);
      parent = (index - 1) >> 1
    ) {
      heap[index] = heap[parent] as Event
      index = parent
    }
    heap[index] = event
  }

  /** Runs all events before an instant. */
  runUntil(untilMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#removeFirst()
      this.nowMs = next.atMs
      this.events += 1
      next.run()
    }
    this.nowMs = untilMs
  }

  /** Sends a question to Redis and its answer back. Each way takes a while, and may lose the message. */
  send<A>(from: number, ask: () => A, answer: (value: A) => void): void {
    if (this.#isLost(from)) return
    this.after(this.#delayMs(), () => {
      if (!this.isUp || this.partitioned.has(from)) return
      const value = ask()
      if (!this.#isLost(from)) this.after(this.#delayMs(), () => answer(value))
    })
  }

  get redisMs(): number {
    return this.nowMs + this.redisOffsetMs
  }

  #isLost(from: number): boolean {
    return this.partitioned.has(from) || this.random() < this.lossRate
  }

  #delayMs(): number {
    return this.random() < 0.02 ? this.between(0, this.delayMsMax * 20) : this.between(0.05, this.delayMsMax)
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop() as Event
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child += 1
      if (!isBefore(heap[child] as Event, last)) break
      heap[index] = heap[child] as Event
      index = child
    }
    heap[index] = last
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

/** How many events a chaos test runs: `ESCUDO_FLEET_EVENTS=10000000` runs more than the default. */
export const EVENTS: number = Number(process.env['ESCUDO_FLEET_EVENTS'] ?? 400_000)
