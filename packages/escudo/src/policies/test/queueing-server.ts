import type { Clock } from '../../core/clock.ts'
import { defineFacts } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import { isRefusal } from '../../errors/classification.ts'

// A dependency that can be overloaded, and the load that does it, on a clock that a test moves. Everything is drawn from
// seeded random numbers, so a run repeats exactly.

/** The server's own answer when its queue is full: a 503. */
export class ServerOverloadedError extends Error {}
defineFacts(ServerOverloadedError, 'ServerOverloadedError', {
  code: 'SERVER_OVERLOADED',
  status: 503,
  kind: 'technical',
})

/** A time drawn for one request, in milliseconds. */
export type Draw = () => number

/** Always the same time. */
export function constantTime(ms: number): Draw {
  return () => ms
}

/** Exponentially distributed times: the memoryless ones of queueing theory. */
export function exponentialTime(meanMs: number, random: Random): Draw {
  return () => -Math.log(1 - random()) * meanMs
}

/** What a {@link QueueingServer} is made of. */
export interface ServerSettings {
  readonly clock: Clock
  /** How many requests it serves at the same time. */
  readonly workers: number
  /** How long one worker needs for one request. */
  readonly serviceTime: Draw
  /** How many requests may wait; more are answered at once with {@link ServerOverloadedError}. Default: any number. */
  readonly queueLimit?: number
}

/**
 * Parallel workers behind one queue, first come, first served. It is deaf: it works on what has been asked, also when
 * the one who asked has given up, as most servers do.
 */
export class QueueingServer {
  readonly #clock: Clock
  readonly #serviceTime: Draw
  readonly #queueLimit: number
  #workers: number
  #busy = 0
  #queue: (() => void)[] = []
  /** How many at the front of the queue have gone already; a shift of a long array costs its length. */
  #gone = 0
  served = 0
  rejected = 0
  /** The most that ever were in it, served and waiting. */
  peak = 0

  constructor({ clock, workers, serviceTime, queueLimit = Number.POSITIVE_INFINITY }: ServerSettings) {
    this.#clock = clock
    this.#workers = workers
    this.#serviceTime = serviceTime
    this.#queueLimit = queueLimit
  }

  get busy(): number {
    return this.#busy
  }

  get queued(): number {
    return this.#queue.length - this.#gone
  }

  get workers(): number {
    return this.#workers
  }

  /** Changes the capacity. Workers that go finish what they have begun. */
  set workers(workers: number) {
    this.#workers = workers
    this.#begin()
  }

  /** Serves one request: settles when it has been answered. */
  handle(): Promise<void> {
    if (this.#busy >= this.#workers && this.queued >= this.#queueLimit) {
      this.rejected += 1
      return Promise.reject(new ServerOverloadedError('the queue is full'))
    }
    return new Promise((answer) => {
      this.#queue.push(answer)
      this.peak = Math.max(this.peak, this.#busy + this.queued)
      this.#begin()
    })
  }

  #begin(): void {
    while (this.#busy < this.#workers && this.queued > 0) {
      const answer = this.#queue[this.#gone] as () => void
      this.#gone += 1
      if (this.#gone > 1_000 && this.#gone * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#gone)
        this.#gone = 0
      }
      this.#busy += 1
      this.#clock.setTimer(() => {
        this.#busy -= 1
        this.served += 1
        answer()
        this.#begin()
      }, this.#serviceTime())
    }
  }
}

/** How a request ended: with an answer, refused by a policy before it was sent, or with any other error. */
export type Ending = 'answered' | 'refused' | 'failed'

interface Sample {
  readonly endMs: number
  readonly latencyMs: number
  readonly ending: Ending
}

/** What happened between two instants. Requests count where they ended. */
export interface Measurement {
  /** Requests that ended, in whatever way. */
  readonly ended: number
  readonly answered: number
  /** Answers within the objective. */
  readonly good: number
  /** The same, per second. */
  readonly goodputPerSecond: number
  readonly refused: number
  readonly failed: number
  /** Quantiles of the latency of answers, in milliseconds; NaN where there was none. */
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly slowestMs: number
}

/** Sends requests, and writes down how each ended. */
export class Recorder {
  readonly #clock: Clock
  readonly #samples: Sample[] = []
  inFlight = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Sends one request. Never rejects. */
  async send(request: () => Promise<unknown>): Promise<Ending> {
    const startMs = this.#clock.now()
    this.inFlight += 1
    let ending: Ending = 'answered'
    try {
      await request()
    } catch (error) {
      ending = isRefusal(error) ? 'refused' : 'failed'
    }
    this.inFlight -= 1
    const endMs = this.#clock.now()
    this.#samples.push({ endMs, latencyMs: endMs - startMs, ending })
    return ending
  }

  /** Measures `[fromMs, untilMs)`; an answer within `objectiveMs` is a good one. */
  measure(fromMs: number, untilMs: number, objectiveMs: number): Measurement {
    const ended = this.#samples.filter(({ endMs }) => endMs >= fromMs && endMs < untilMs)
    const latencies = ended.filter(({ ending }) => ending === 'answered').map(({ latencyMs }) => latencyMs)
    latencies.sort((a, b) => a - b)
    const good = latencies.filter((latencyMs) => latencyMs <= objectiveMs).length
    const quantile = (share: number): number =>
      latencies[Math.min(latencies.length - 1, Math.ceil(latencies.length * share) - 1)] ?? Number.NaN
    return {
      ended: ended.length,
      answered: latencies.length,
      good,
      goodputPerSecond: (good * 1_000) / (untilMs - fromMs),
      refused: ended.filter(({ ending }) => ending === 'refused').length,
      failed: ended.filter(({ ending }) => ending === 'failed').length,
      p50Ms: quantile(0.5),
      p95Ms: quantile(0.95),
      p99Ms: quantile(0.99),
      slowestMs: latencies.at(-1) ?? Number.NaN,
    }
  }
}

/** Load from a source that does not care how its requests fare. */
export interface OpenLoopSettings {
  readonly clock: Clock
  /** The time from one request to the next: exponential for Poisson arrivals, else constant. May change as it goes. */
  readonly interval: Draw
  /** Sends one request. */
  readonly send: () => unknown
}

/** Sends at its own pace, whatever becomes of the requests. Returns the function that stops it. */
export function openLoop({ clock, interval, send }: OpenLoopSettings): () => void {
  let cancel = clock.setTimer(function fire() {
    cancel = clock.setTimer(fire, interval())
    send()
  }, interval())
  return () => cancel()
}

/** Load from a number of clients, each of whom waits for its answer before it asks again. */
export interface ClosedLoopSettings {
  readonly clock: Clock
  readonly clients: number
  /** How long a client thinks before its next request; above 0, or a refused client would never let time go on. */
  readonly thinkTime: Draw
  /** Sends one request, and settles with it. Must not reject. */
  readonly send: () => Promise<unknown>
}

/** Sends as fast as answers come back. Returns the function that stops it. */
export function closedLoop({ clock, clients, thinkTime, send }: ClosedLoopSettings): () => void {
  let stopped = false
  const think = (): void => {
    if (stopped) return
    clock.setTimer(() => {
      if (!stopped) void send().then(think)
    }, thinkTime())
  }
  for (let client = 0; client < clients; client += 1) think()
  return () => {
    stopped = true
  }
}
