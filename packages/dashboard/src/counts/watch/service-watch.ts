import { LatencyHistogram } from '../latency-histogram.ts'
import { type Bucket, type BucketState, Ring } from './bucket.ts'
import { AHEAD_MS_MIN, ClockOffset, type ClockOffsetState } from './clock-offset.ts'
import { ClockShift, type ClockShiftState } from './clock-shift.ts'
import { coreOf } from './core-of.ts'
import { InstanceClocks } from './instance-clocks.ts'
import { type Process, Processes } from './processes.ts'

const MINUTE_MS = 60_000
const SECONDS = 128
const MINUTES = 64
const LATENCY_STEP_MS = 5_000
const LATENCY_STEPS = 32
/** A service without requests keeps the hour before the last one, which tells how many it usually has. */
const MARKED_AFTER_MS_MAX = (MINUTES - 60) * MINUTE_MS

type RecentState = readonly (readonly BucketState[])[]

/** Recent counts of one service, by its own clock. */
class Recent {
  readonly seconds = new Ring(1_000, SECONDS)
  // Apart, so that health checks do not displace the last requests of a service that got none since.
  readonly marks = new Ring(1_000, SECONDS)
  readonly latency = new Ring(LATENCY_STEP_MS, LATENCY_STEPS)
  readonly minutes: Ring

  constructor(onExpiredMinute?: (bucket: Bucket) => void) {
    this.minutes = new Ring(MINUTE_MS, MINUTES, onExpiredMinute)
  }

  get state(): RecentState {
    return this.#rings.map(({ state }) => state)
  }

  restore(state: RecentState): void {
    for (const [index, ring] of this.#rings.entries()) ring.restore(state[index] ?? [])
  }

  get #rings(): readonly Ring[] {
    return [this.seconds, this.marks, this.latency, this.minutes]
  }
}

/** Minutes with failures that followed each other, and that are no longer kept one by one. */
interface Run {
  readonly since: number
  readonly lastAt: number
}

/** What is known of a service, to be written into a file. */
export interface WatchState {
  readonly name: string
  readonly number: number
  readonly clock: ClockOffsetState
  readonly shift: ClockShiftState
  readonly processes: readonly Process[]
  readonly starts: readonly number[]
  readonly newest: readonly [request: number, line: number, ahead: number]
  readonly aheadLines: number
  readonly runs: readonly [failing: Run | undefined, failures: Run | undefined]
  readonly usual: RecentState
  readonly ahead: RecentState | undefined
}

/** The limits that counting needs. */
export interface WatchLimits {
  /** Minutes with this share of failures are failing; with less than the other, healthy. */
  readonly failingShare: number
  readonly healthyShare: number
  /** Answers that take longer count as slow. */
  readonly slowerThanMs: number
  /** A line that is older when it is read is of an old file. */
  readonly oldAfterMs: number
}

/** Counts what the verdict needs to know about one service: its last seconds, its last hour, its clock, its processes. */
export class ServiceWatch {
  readonly name: string
  /** What its name has in common with the names of shields for it. */
  readonly core: string
  /** Identifies it among all services, from 1. */
  readonly number: number
  readonly failingShare: number
  readonly healthyShare: number
  readonly oldAfterMs: number
  readonly clock = new ClockOffset()
  readonly shift = new ClockShift()
  readonly instances = new InstanceClocks()
  readonly processes = new Processes()
  /** The time of the newest request that is not ahead of the reader's clock. */
  lastRequestAt = Number.NEGATIVE_INFINITY
  /** The time of the newest line that is not ahead of the reader's clock. */
  lastLineAt = Number.NEGATIVE_INFINITY
  /** The newest times of lines that are ahead. */
  lastAheadRequestAt = Number.NEGATIVE_INFINITY
  /** New lines that are ahead, so far. */
  aheadLines = 0
  /** Whether a line of it was recent when it was read. Then it is no old file, however long it is silent after that. */
  wasFollowed = false
  #olderFailing: Run | undefined
  #olderFailures: Run | undefined
  readonly #usual = new Recent((minute) => this.#keepRuns(minute))
  // Lines ahead of the clock are kept apart: one with a wrong date must not displace those of the last minute.
  #ahead: Recent | undefined

  constructor(name: string, number: number, { failingShare, healthyShare, oldAfterMs }: WatchLimits) {
    this.name = name
    this.core = coreOf(name)
    this.number = number
    this.failingShare = failingShare
    this.healthyShare = healthyShare
    this.oldAfterMs = oldAfterMs
  }

  /** All that is known. */
  get state(): WatchState {
    const { name, number, clock, shift, processes, aheadLines } = this
    return {
      ...{ name, number, clock: clock.state, shift: shift.state, aheadLines },
      ...{ processes: processes.all, starts: processes.starts },
      newest: [this.lastRequestAt, this.lastLineAt, this.lastAheadRequestAt],
      runs: [this.#olderFailing, this.#olderFailures],
      usual: this.#usual.state,
      ahead: this.#ahead?.state,
    }
  }

  /** Takes what is known from a {@link state}. Its lines count as read at `nowMs`. */
  restore(state: WatchState, nowMs: number): void {
    this.clock.restore(state.clock)
    this.shift.restore(state.shift)
    this.processes.restore(state.processes, state.starts)
    ;[this.lastRequestAt, this.lastLineAt, this.lastAheadRequestAt] = state.newest
    this.wasFollowed = this.lastLineAt >= nowMs - this.oldAfterMs
    this.aheadLines = state.aheadLines
    ;[this.#olderFailing, this.#olderFailures] = state.runs
    this.#usual.restore(state.usual)
    if (state.ahead !== undefined) this.#recent(true).restore(state.ahead)
  }

  /** The latest run of minutes beyond the last hour with a share of failures that is failing. */
  get olderFailing(): Run | undefined {
    return this.#olderFailing
  }

  /** The latest run of minutes beyond the last hour with more than a negligible share of failures. */
  get olderFailures(): Run | undefined {
    return this.#olderFailures
  }

  /**
   * Records a new line of a process, or of none that is named, and returns its time by the clock of the service.
   *
   * The clock of the service stays what it is while its processes disagree: its last 60 seconds must not jump.
   */
  countedAt(ownAt: number, arrivedMs: number, instance: string | undefined): number {
    const at = instance === undefined ? ownAt : this.instances.countedAt(instance, ownAt, arrivedMs, this.clock)
    this.clock.add(at, arrivedMs)
    return at
  }

  /** Records any line, by the clock of the service. */
  seeLine(at: number, arrivedMs: number, isLive: boolean): void {
    if (at >= arrivedMs - this.oldAfterMs) this.wasFollowed = true
    if (at > arrivedMs + AHEAD_MS_MIN) this.aheadLines += isLive ? 1 : 0
    else if (at > this.lastLineAt || this.lastLineAt > arrivedMs + AHEAD_MS_MIN) this.lastLineAt = at
  }

  /**
   * Counts a request. Its time is in an array: as an argument it would be made into an object.
   *
   * @param bucket the one of its latency
   */
  addRequest(time: Float64Array, arrivedMs: number, flags: number, bucket: number | undefined): void {
    const at = time[0] ?? 0
    const isAhead = at > arrivedMs + AHEAD_MS_MIN
    const recent = this.#recent(isAhead)
    if (isAhead) this.lastAheadRequestAt = Math.max(this.lastAheadRequestAt, at)
    // The reader's clock was set back if a time before was not ahead, and now is.
    else if (at > this.lastRequestAt || this.lastRequestAt > arrivedMs + AHEAD_MS_MIN) this.lastRequestAt = at
    const latest = isAhead ? Number.POSITIVE_INFINITY : this.#latest(arrivedMs)
    recent.seconds.at(at, latest)?.addRequest(at, flags)
    const minute = recent.minutes.at(at, latest)
    minute?.addRequest(at, flags)
    if (bucket === undefined) return
    const fine = recent.latency.at(at, latest)
    if (fine !== undefined) {
      fine.latency ??= new LatencyHistogram()
      fine.latency.addBucket(bucket)
    }
    if (minute === undefined) return
    minute.latency ??= new LatencyHistogram()
    minute.latency.addBucket(bucket)
  }

  /** Counts a health check or a scrape. */
  addProbe(at: number, arrivedMs: number, failed: boolean): void {
    const second = this.#mark(at, arrivedMs)
    if (second === undefined) return
    second.probes += 1
    if (!failed) return
    second.probeFailures += 1
    second.mark(at)
  }

  /** Counts an answer by a fallback, or a critical line. */
  addMark(at: number, arrivedMs: number, mark: 'fallbacks' | 'criticals', count: number): void {
    const second = this.#mark(at, arrivedMs)
    if (second !== undefined) {
      second[mark] += count
      if (mark === 'criticals') second.mark(at)
      else second.markBad(at)
    }
    if (mark === 'criticals') return
    const isAhead = at > arrivedMs + AHEAD_MS_MIN
    const { minutes } = this.#recent(isAhead)
    const isLongAfter = at - this.lastRequestAt > MARKED_AFTER_MS_MAX && Number.isFinite(this.lastRequestAt)
    const minute =
      isLongAfter && !isAhead
        ? minutes.known(at)
        : minutes.at(at, isAhead ? Number.POSITIVE_INFINITY : this.#latest(arrivedMs))
    if (minute === undefined) return
    minute[mark] += count
    minute.markBad(at)
  }

  /** Marks a request that was counted before as a hop. */
  markHop(at: number, flags: number): void {
    for (const recent of [this.#usual, this.#ahead]) {
      recent?.seconds.known(at)?.markHop(flags)
      recent?.minutes.known(at)?.markHop(flags)
    }
  }

  /** Yields the buckets of seconds in a range of the service's clock. A second may come several times. */
  *seconds(from: number, to: number): Generator<Bucket> {
    for (const recent of [this.#usual, this.#ahead]) {
      if (recent === undefined) continue
      yield* recent.seconds.between(from, to)
      yield* recent.marks.between(from, to)
    }
  }

  /** Yields the buckets of minutes in a range of the service's clock. A minute may come twice. */
  *minutes(from: number, to: number): Generator<Bucket> {
    yield* this.#usual.minutes.between(from, to)
    if (this.#ahead !== undefined) yield* this.#ahead.minutes.between(from, to)
  }

  /** Merges the latencies in a range of the service's clock, in steps of five seconds. */
  latencies(from: number, to: number): LatencyHistogram {
    const merged = new LatencyHistogram()
    for (const recent of [this.#usual, this.#ahead]) {
      if (recent === undefined) continue
      for (const { latency } of recent.latency.between(from, to)) if (latency !== undefined) merged.merge(latency)
    }
    return merged
  }

  /** Trouble can last longer than minutes are kept, and yet it must be known when it began. */
  #keepRuns(minute: Bucket): void {
    const { requests, failures } = minute
    if (failures >= requests * this.failingShare) this.#olderFailing = extended(this.#olderFailing, minute)
    if (failures >= requests * this.healthyShare) this.#olderFailures = extended(this.#olderFailures, minute)
  }

  /** Returns where a line that is no request is counted. */
  #mark(at: number, arrivedMs: number): Bucket | undefined {
    const isAhead = at > arrivedMs + AHEAD_MS_MIN
    return this.#recent(isAhead).marks.at(at, isAhead ? Number.POSITIVE_INFINITY : this.#latest(arrivedMs))
  }

  /** The latest time that can be right now. After a clock was set back, later times are those before. */
  #latest(arrivedMs: number): number {
    return arrivedMs + AHEAD_MS_MIN + Math.min(0, this.shift.ms)
  }

  #recent(isAhead: boolean): Recent {
    if (!isAhead) return this.#usual
    this.#ahead ??= new Recent()
    return this.#ahead
  }
}

function extended(run: Run | undefined, { failures, firstFailureAt, lastFailureAt }: Bucket): Run | undefined {
  if (failures === 0) return run
  const isNext = run !== undefined && firstFailureAt - run.lastAt <= MINUTE_MS
  return { since: isNext ? run.since : firstFailureAt, lastAt: lastFailureAt }
}
