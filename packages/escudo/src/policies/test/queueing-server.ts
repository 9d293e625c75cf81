import type { Clock } from '../../core/clock.ts'
import { defineFacts } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import { isRefusal } from '../../errors/classification.ts'

// A dependency that can be overloaded, and sources of load, on a virtual clock. All random numbers are seeded, so that a
// run can be repeated exactly.

/** The answer of the server when its queue is full: a 503. */
export class ServerOverloadedError extends Error {}
defineFacts(ServerOverloadedError, 'ServerOverloadedError', {
  code: 'SERVER_OVERLOADED',
  status: 503,
  kind: 'technical',
})

/** Draws a time for one request, in milliseconds. */
export type Draw = () => number

/** Makes a draw that always returns the same time. */
export function constantTime(ms: number): Draw {
  return () => ms
}

/** Makes a draw of exponentially distributed times, which queueing theory calls memoryless. */
export function exponentialTime(meanMs: number, random: Random): Draw {
  return () => -Math.log(1 - random()) * meanMs
}

/** The settings of a {@link QueueingServer}. */
export interface ServerSettings {
  readonly clock: Clock
  /** How many requests it serves at the same time. */
  readonly workers: number
  /** How long one worker needs for one request. */
  readonly serviceTime: Draw
  /** How many requests may wait; more are rejected at once with {@link ServerOverloadedError}. Default: no limit. */
  readonly queueLimit?: number
}

/**
 * Parallel workers behind one first-in, first-out queue. Like most servers, it also serves requests whose client has
 * cancelled them.
 */
export class QueueingServer {
  readonly #clock: Clock
  readonly #serviceTime: Draw
  readonly #queueLimit: number
  #workers: number
  #busy = 0
  #queue: (() => void)[] = []
  /** The index of the first request in the queue. `shift()` on a long array is O(n). */
  #front = 0
  served = 0
  rejected = 0
  /** The highest number of requests in it at one time, served and waiting. */
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
    return this.#queue.length - this.#front
  }

  get workers(): number {
    return this.#workers
  }

  /** Changes the capacity. A removed worker finishes its current request. */
  set workers(workers: number) {
    this.#workers = workers
    this.#serveQueued()
  }

  /** Serves one request. Settles when it is answered. */
  handle(): Promise<void> {
    if (this.#busy >= this.#workers && this.queued >= this.#queueLimit) {
      this.rejected += 1
      return Promise.reject(new ServerOverloadedError('the queue is full'))
    }
    return new Promise((answer) => {
      this.#queue.push(answer)
      this.peak = Math.max(this.peak, this.#busy + this.queued)
      this.#serveQueued()
    })
  }

  #serveQueued(): void {
    while (this.#busy < this.#workers && this.queued > 0) {
      const answer = this.#queue[this.#front] as () => void
      this.#front += 1
      if (this.#front > 1_000 && this.#front * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#front)
        this.#front = 0
      }
      this.#busy += 1
      this.#clock.setTimer(() => {
        this.#busy -= 1
        this.served += 1
        answer()
        this.#serveQueued()
      }, this.#serviceTime())
    }
  }
}

/** How a request ended: with an answer, with a policy's refusal before it was sent, or with any other error. */
export type Ending = 'answered' | 'refused' | 'failed'

interface Sample {
  readonly endMs: number
  readonly latencyMs: number
  readonly ending: Ending
}

/** The results between two instants. A request counts at the instant at which it ended. */
export interface Measurement {
  /** All requests that ended. */
  readonly ended: number
  readonly answered: number
  /** Answers within the objective. */
  readonly good: number
  /** Good answers per second. */
  readonly goodputPerSecond: number
  readonly refused: number
  readonly failed: number
  /** Quantiles of the latency of answers, in milliseconds; NaN if there was no answer. */
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly slowestMs: number
}

/** Sends requests and records how each one ended. */
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

  /** Measures `[fromMs, untilMs)`; an answer within `objectiveMs` is good. */
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

/** Load that does not depend on the outcome of its requests. */
export interface OpenLoopSettings {
  readonly clock: Clock
  /** The time from one request to the next: exponential for Poisson arrivals, or constant. May change over time. */
  readonly interval: Draw
  /** Sends one request. */
  readonly send: () => unknown
}

/** Sends requests at the given intervals, whatever their outcome. Returns the function that stops it. */
export function openLoop({ clock, interval, send }: OpenLoopSettings): () => void {
  let cancel = clock.setTimer(function fire() {
    cancel = clock.setTimer(fire, interval())
    send()
  }, interval())
  return () => cancel()
}

/** Load from a number of clients that each wait for an answer before the next request. */
export interface ClosedLoopSettings {
  readonly clock: Clock
  readonly clients: number
  /** How long a client waits before its next request. More than 0: otherwise refused clients retry forever at one instant. */
  readonly thinkTime: Draw
  /** Sends one request. Settles when it ends. Must not reject. */
  readonly send: () => Promise<unknown>
}

/** Sends requests as fast as answers return. Returns the function that stops it. */
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
