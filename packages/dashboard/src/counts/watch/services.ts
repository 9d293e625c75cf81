import { integerBetween } from '../../lines/log-fields.ts'
import type { LogLine } from '../../lines/log-line.ts'
import {
  HAS_PARENT,
  HAS_SPAN,
  HAS_TRACE,
  IS_CRITICAL,
  IS_DEGRADED,
  IS_FAILED,
  IS_PROBE,
  type ScannedLines,
} from '../../lines/scan/scanned-lines.ts'
import { hashOf } from '../../traces/trace-filter.ts'
import { LatencyHistogram } from '../latency-histogram.ts'
import type { PackedReader, PackedWriter } from '../packed.ts'
import { packValue, unpackValue } from '../packed-value.ts'
import { type Times, timesOf } from '../timeline.ts'
import { Calls, type OnHop } from './calls.ts'
import { coreOf } from './core-of.ts'
import { Edges } from './edges.ts'
import { isHealthCheck } from './health-check.ts'
import type { KnownCalls } from './known-calls.ts'
import { CLIENT_ERROR, DEGRADED, FAILED, SLOW } from './request-flags.ts'
import { ServiceWatch, type WatchLimits, type WatchState } from './service-watch.ts'

/** The most services that are watched one by one. Further ones are watched together. */
const WATCHED_MAX = 500
/** The most fallbacks that one summary line adds. */
const SUMMARISED_MAX = 100_000
const OTHERS = '(other)'
/** The most shields per service that are remembered. */
const SHIELDS_MAX = 64

/** Receives the requests that are not entry requests, to count them apart. */
export type OnApart = (kind: 'hops' | 'probes', times: Times, cell: number, latencyMs: number | undefined) => void

/** A shield of a service, and the service that it is named after. */
export interface NamedShield {
  readonly caller: ServiceWatch
  readonly shield: string
  /** Undefined when no service with a log has such a name. */
  readonly callee: ServiceWatch | undefined
}

/** Watches every service: recent counts, clocks, processes, and which service calls which. All is bounded. */
export class Services {
  readonly edges = new Edges()
  /** Requests of one service that ran within a request of another one, in the same trace. */
  readonly nested = new Edges()
  /** The calls among `edges` that a parent span tells of, also those of a service to itself. */
  readonly direct = new Edges(true)
  /** Applies to lines that are added later. */
  limits: WatchLimits = {
    failingShare: 0.05,
    healthyShare: 0.001,
    slowerThanMs: Number.POSITIVE_INFINITY,
    oldAfterMs: 900_000,
  }
  #probes = 0
  readonly #calls: Calls
  readonly #byName = new Map<string, ServiceWatch>()
  /** The shields that a service names in its lines, each with its core. */
  readonly #shields = new Map<ServiceWatch, Map<string, string>>()
  readonly #onApart: OnApart
  /** The time of the line that is counted. */
  readonly #at = new Float64Array(1)
  #lastName = ''
  #last: ServiceWatch | undefined

  constructor(onApart: OnApart = () => {}) {
    this.#onApart = onApart
    const onHop: OnHop = (times, cell, latencyMs) =>
      onApart('hops', times, cell, Number.isNaN(latencyMs) ? undefined : latencyMs)
    this.#calls = new Calls(this.edges, this.nested, onHop, this.direct)
  }

  /** All services, in order of appearance. */
  get all(): readonly ServiceWatch[] {
    return [...this.#byName.values()]
  }

  /** The number of health checks and scrapes. */
  get probes(): number {
    return this.#probes
  }

  /** The services that each service calls by the names of its shields: they are often named like what they call. */
  get namedCalls(): readonly { readonly caller: ServiceWatch; readonly callee: ServiceWatch }[] {
    return this.namedShields.flatMap(({ caller, callee }) => (callee === undefined ? [] : [{ caller, callee }]))
  }

  /** The shields that each service names in its lines, with the service that is named like the shield, if there is one. */
  get namedShields(): readonly NamedShield[] {
    const byCore = new Map<string, ServiceWatch[]>()
    for (const watch of this.#shields.size === 0 ? [] : this.all) {
      const known = byCore.get(watch.core)
      if (known === undefined) byCore.set(watch.core, [watch])
      else known.push(watch)
    }
    return [...this.#shields].flatMap(([caller, shields]) =>
      [...shields].map(([shield, core]) => ({
        caller,
        shield,
        callee: byCore.get(core)?.find((other) => other !== caller),
      })),
    )
  }

  /** Packs all that is known. Yields whenever `into` is full. */
  *pack(into: PackedWriter): Generator<void> {
    into.integer(this.#byName.size)
    for (const { state } of this.#byName.values()) {
      packValue(state, into)
      if (into.isFull) yield
    }
    packValue(this.#known, into)
    yield* this.#calls.pack(into)
  }

  get #known(): KnownCalls {
    const [edges, nested, direct] = [this.edges.state, this.nested.state, this.direct.state]
    const shields = [...this.#shields].map(([{ number }, names]) => [number, names] as const)
    return { edges, nested, direct, shields, probes: this.#probes }
  }

  /** Takes what {@link pack} packed, at `nowMs`. No line may have been recorded before. */
  restore(from: PackedReader, nowMs: number): void {
    const watches = new Map<number, ServiceWatch>()
    for (let left = from.integer(); left > 0; left -= 1) {
      const one = unpackValue<WatchState>(from)
      const watch = new ServiceWatch(one.name, one.number, this.limits)
      watch.restore(one, nowMs)
      watches.set(watch.number, watch)
      this.#byName.set(watch.name, watch)
    }
    const state = unpackValue<KnownCalls>(from)
    this.edges.restore(state.edges, watches)
    this.nested.restore(state.nested, watches)
    this.direct.restore(state.direct, watches)
    this.#calls.restore(from, watches.values())
    this.#probes = state.probes
    for (const [number, shields] of state.shields) {
      const watch = watches.get(number)
      if (watch !== undefined) this.#shields.set(watch, new Map(shields))
    }
  }

  /**
   * Records one line.
   *
   * @param ownAt its valid time
   * @param shownAt the time at which it is counted
   * @param clockMs the reader's clock
   * @param isLive whether the line is new, and not an older one of a large file
   * @param traceHash the hash of its trace id
   * @param cell the cell that counts a request
   */
  add(
    line: LogLine,
    service: string,
    ownAt: number,
    shownAt: number,
    clockMs: number,
    isLive: boolean,
    traceHash: number | undefined,
    cell: number | undefined,
  ): void {
    const watch = this.watch(service)
    const at = isLive ? watch.countedAt(ownAt, clockMs, line.instance) : ownAt
    watch.seeLine(at, clockMs, isLive)
    if (line.instance !== undefined) watch.processes.see(line.instance, at)
    if (line.level === 'critical') watch.addMark(at, clockMs, 'criticals', 1)
    if (line.spanId !== undefined) this.#calls.seeSpan(hashOf(line.spanId), watch)
    if (cell !== undefined) this.#addRequest(watch, line, at, shownAt, clockMs, traceHash, cell)
    else if (line.event !== undefined) this.#addEvent(watch, line, at, clockMs)
  }

  #addRequest(
    watch: ServiceWatch,
    line: LogLine,
    at: number,
    shownAt: number,
    clockMs: number,
    traceHash: number | undefined,
    cell: number,
  ): void {
    const { latencyMs, parentSpanId } = line
    const flags = flagsOf(line, this.limits.slowerThanMs)
    if (isHealthCheck(line.route ?? line.path)) {
      this.#probes += 1
      watch.addProbe(at, clockMs, (flags & FAILED) !== 0)
      this.#onApart('probes', timesOf(shownAt), cell, latencyMs)
      return
    }
    this.#at[0] = at
    const bucket = latencyMs === undefined ? undefined : LatencyHistogram.bucketOf(latencyMs)
    watch.addRequest(this.#at, clockMs, flags, bucket)
    if (parentSpanId !== undefined)
      this.#calls.addChild(hashOf(parentSpanId), traceHash, watch, at, shownAt, flags, cell, latencyMs)
    else if (traceHash !== undefined) this.#calls.addRoot(traceHash, watch)
  }

  /**
   * Records a request whose line was scanned, as {@link add} does with a line.
   *
   * @param shownAts when each row is counted
   * @param instance the process that wrote the line
   */
  addRow(
    watch: ServiceWatch,
    lines: ScannedLines,
    row: number,
    shownAts: Float64Array,
    clockMs: number,
    isLive: boolean,
    instance: string | undefined,
    cell: number,
  ): void {
    const ownAt = lines.ats[row] ?? 0
    const at = isLive ? watch.countedAt(ownAt, clockMs, instance) : ownAt
    const has = lines.flags[row] ?? 0
    watch.seeLine(at, clockMs, isLive)
    if (instance !== undefined) watch.processes.see(instance, at)
    if ((has & IS_CRITICAL) !== 0) watch.addMark(at, clockMs, 'criticals', 1)
    if ((has & HAS_SPAN) !== 0) this.#calls.seeSpan(lines.spans[row] ?? 0, watch)
    const latencyMs = lines.latencies[row] ?? Number.NaN
    const bucket = Number.isNaN(latencyMs) ? undefined : lines.buckets[row]
    if ((has & IS_PROBE) !== 0) {
      this.#probes += 1
      watch.addProbe(at, clockMs, (lines.statuses[row] ?? 0) >= 500)
      this.#onApart('probes', timesOf(shownAts[row] ?? 0), cell, bucket === undefined ? undefined : latencyMs)
      return
    }
    let flags = (has & IS_DEGRADED) === 0 ? 0 : DEGRADED
    if ((has & IS_FAILED) !== 0) flags |= (lines.statuses[row] ?? 0) >= 500 ? FAILED : CLIENT_ERROR
    if ((flags & FAILED) === 0 && latencyMs > this.limits.slowerThanMs) flags |= SLOW
    this.#at[0] = at
    watch.addRequest(this.#at, clockMs, flags, bucket)
    const trace = (has & HAS_TRACE) === 0 ? undefined : (lines.traces[row] ?? 0)
    if ((has & HAS_PARENT) !== 0)
      this.#calls.addChild(lines.parents[row] ?? 0, trace, watch, at, shownAts[row] ?? 0, flags, cell, latencyMs)
    else if (trace !== undefined) this.#calls.addRoot(trace, watch)
  }

  /** Follows a move of the timeline that counts the requests. */
  move(isMoved: (cell: number) => boolean, fromMs: number, byMs: number): void {
    this.#calls.move(isMoved, fromMs, byMs)
  }

  #addEvent(watch: ServiceWatch, line: LogLine, at: number, clockMs: number): void {
    if (line.event === 'service.start') watch.processes.start(at)
    else if (line.event === 'service.stop') watch.processes.stop(line.instance, at)
    else if (line.event === 'fallback') watch.addMark(at, clockMs, 'fallbacks', 1)
    else if (line.event === 'policy.summary') {
      const hidden = integerBetween(line.fields.nested('counts', 'fallback'), 1, SUMMARISED_MAX)
      if (hidden !== undefined) watch.addMark(at, clockMs, 'fallbacks', hidden)
    }
    const shield = line.fields.short(100, 'shield')
    if (shield !== undefined) this.addShield(watch, shield)
  }

  /** Records a shield that a service names. */
  addShield(watch: ServiceWatch, shield: string): void {
    let shields = this.#shields.get(watch)
    if (shields === undefined) {
      shields = new Map()
      this.#shields.set(watch, shields)
    }
    if (shields.size < SHIELDS_MAX && !shields.has(shield)) shields.set(shield, coreOf(shield))
  }

  /** Returns what is known of a service, which begins with its first line. */
  watch(service: string): ServiceWatch {
    if (service === this.#lastName && this.#last !== undefined) return this.#last
    let watch = this.#byName.get(service)
    if (watch === undefined) {
      const name = this.#byName.size < WATCHED_MAX ? service : OTHERS
      watch = this.#byName.get(name) ?? new ServiceWatch(name, this.#byName.size + 1, this.limits)
      this.#byName.set(name, watch)
    }
    this.#lastName = service
    this.#last = watch
    return watch
  }
}

function flagsOf({ status = 0, latencyMs = 0, degraded }: LogLine, slowerThanMs: number): number {
  let flags = degraded ? DEGRADED : 0
  if (status >= 500) flags |= FAILED
  else {
    if (status >= 400) flags |= CLIENT_ERROR
    if (latencyMs > slowerThanMs) flags |= SLOW
  }
  return flags
}
