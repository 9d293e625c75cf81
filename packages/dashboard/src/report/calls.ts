import type { BreakerHistory } from '../counts/breakers.ts'
import type { Edge } from '../counts/watch/edges.ts'
import type { Services } from '../counts/watch/services.ts'
import type { Journal } from '../journal/journal.ts'
import { levelOf } from '../verdict/failures.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../verdict/thresholds.ts'
import type { Health, ServiceHealth } from './health.ts'
import { knownCalls } from './known-calls.ts'
import { breakerState, worstOf } from './lanes.ts'

const MINUTE_MS = 60_000
const SECOND_MS = 1_000
/** The most calls that the page gets. */
const CALLS_MAX = 300

/** A breaker between two services. */
export interface CallBreaker {
  readonly shield: string
  readonly policy: string
  /** Its state now; `unknown` after a restart of its process. */
  readonly state: string
}

/** One service calls another one, or what a shield protects. Counts are those of the last one to two minutes. */
export interface Call {
  readonly from: string
  /** The name of a service, or of a shield if no log is known of what it protects. */
  readonly to: string
  readonly has_log: boolean
  /** What tells of it: a parent span, requests of the same trace, or only the name of a shield. */
  readonly known_by: 'span' | 'trace' | 'shield'
  /** Null if only a shield tells of the call. */
  readonly calls: number | null
  /** Calls that the called service answered with a status of 500 or more. */
  readonly failures: number | null
  /** The time of these counts. */
  readonly seconds: number | null
  /** By the limits of the verdict. `idle`: there was no call. `unknown`: nothing counts the calls. */
  readonly state: 'healthy' | 'degraded' | 'failing' | 'idle' | 'unknown'
  /** The breakers of the shields that are named after the called service. */
  readonly breakers: readonly CallBreaker[]
}

/** The requests of an engine in which calls were found: the newest ones of a range that belong to a trace. */
export interface CallSample {
  readonly requests: number
  /** Whether they are all of the range. */
  readonly is_whole: boolean
  /** Whether lines of storage nodes are missing. */
  readonly is_partial: boolean
  /** All requests between these times were read. In ISO 8601. */
  readonly from: string
  readonly to: string
}

/** The calls between services. */
export interface Calls {
  readonly calls: readonly Call[]
  /** How many there are beyond the bound. */
  readonly more: number
  /** Undefined for files, which are read whole. */
  readonly sample?: CallSample
  /** Why an engine gave no newer answer, in English. */
  readonly problem?: string
}

/** What tells of calls. */
export interface CallFacts {
  /** Whose requests and shields tell of calls. */
  readonly services: Services
  readonly breakers: readonly BreakerHistory[]
  /** From when on all requests are known. */
  readonly since: number
}

/** All calls at a moment: that of the verdict, or the end of a range of an engine that was chosen in a chart. */
export interface CallsAt {
  readonly at: string
  readonly calls: readonly Call[]
  /** Undefined for files. */
  readonly sample?: CallSample
}

/** The result of `GET /api/map`. */
export interface ServiceMap extends CallsAt {
  readonly services: readonly MappedService[]
}

/** A service of the map: the last 60 seconds, as in the verdict. */
export interface MappedService
  extends Pick<
    ServiceHealth,
    'name' | 'state' | 'since' | 'reasons' | 'requests' | 'failures' | 'p95_ms' | 'clock_ahead_ms' | 'as_of'
  > {}

/** What files tell of calls. */
interface JournalFiles {
  readonly journal: Pick<Journal, 'services' | 'breakers'>
}

const RANK: Readonly<Record<Call['state'], number>> = { failing: 3, degraded: 2, healthy: 1, unknown: 1, idle: 0 }

/** Returns who calls whom at the moment of a verdict. Beyond `callsMax`, calls with less trouble are left out. */
export function callsOf(
  files: JournalFiles,
  health: Health,
  now: number,
  thresholds: Thresholds = DEFAULT_THRESHOLDS,
  callsMax: number = CALLS_MAX,
): Calls {
  return shownCalls(allCalls(factsOf(files), health, momentOf(health, now), thresholds), callsMax)
}

/** Returns the calls with the most trouble, and how many there are beyond them. */
export function shownCalls(all: readonly Call[], callsMax: number = CALLS_MAX): Calls {
  if (all.length <= callsMax) return { calls: all, more: 0 }
  const shown = all
    .toSorted((a, b) => troubleOf(b) - troubleOf(a) || (b.calls ?? 0) - (a.calls ?? 0))
    .slice(0, callsMax)
  return { calls: shown.sort(byNames), more: all.length - shown.length }
}

/** Returns all calls at a moment, by name. */
export function allCalls(
  { services, breakers, since }: CallFacts,
  health: Health,
  moment: number,
  thresholds: Thresholds,
): readonly Call[] {
  const shields = new Map<string, string[]>()
  const found = new Map<string, Call>()
  for (const { edge, by } of knownCalls(services, (one) => recentOf(one, moment, since).calls)) {
    const [from, to] = [edge.caller.name, edge.callee.name]
    const counts = recentOf(edge, moment, since)
    found.set(keyOf(from, to, true), {
      ...{ from, to, has_log: true, known_by: by },
      ...counts,
      state: stateOf(counts, thresholds),
      breakers: [],
    })
  }
  for (const { caller, shield, callee } of services.namedShields) {
    const to = callee?.name ?? shield
    const key = keyOf(caller.name, to, callee !== undefined)
    shields.set(key, [...(shields.get(key) ?? []), shield])
    if (found.has(key)) continue
    const unknown = { calls: null, failures: null, seconds: null, state: 'unknown', known_by: 'shield' } as const
    found.set(key, { from: caller.name, to, has_log: callee !== undefined, ...unknown, breakers: [] })
  }
  const byShield = new Map<string, BreakerHistory[]>()
  for (const breaker of breakers) {
    const key = keyOf(breaker.service, breaker.shield, true)
    byShield.set(key, [...(byShield.get(key) ?? []), breaker])
  }
  const calls = [...found].map(([key, call]) => {
    const own = (shields.get(key) ?? []).flatMap((shield) => byShield.get(keyOf(call.from, shield, true)) ?? [])
    return { ...call, breakers: breakersOf(own, health) }
  })
  return calls.sort(byNames)
}

/** Returns all calls that files tell of. */
export function callsAt(files: JournalFiles, health: Health, now: number, thresholds: Thresholds): CallsAt {
  const moment = momentOf(health, now)
  return { at: new Date(moment).toISOString(), calls: allCalls(factsOf(files), health, moment, thresholds) }
}

/** The services of a verdict, as the map has them. */
export function mappedServices({ services }: Health): readonly MappedService[] {
  return services.map(({ name, state, since, reasons, requests, failures, p95_ms, clock_ahead_ms, as_of }) => ({
    ...{ name, state, since, reasons, requests, failures, p95_ms, clock_ahead_ms, as_of },
  }))
}

function factsOf({ journal: { services, breakers } }: JournalFiles): CallFacts {
  return { services, breakers: breakers.all, since: Number.NEGATIVE_INFINITY }
}

/** The moment of the verdict: earlier than now if the logs are old. */
export function momentOf({ as_of }: Health, now: number): number {
  return as_of === null ? now : Date.parse(as_of)
}

type Counts = Pick<Call, 'calls' | 'failures' | 'seconds'>

/** The counts of this minute and the one before, by the clock of the called service. */
function recentOf(edge: Edge, moment: number, since: number): Counts & { readonly calls: number } {
  const at = moment + edge.callee.clock.ms
  const minute = Math.floor(at / MINUTE_MS)
  // A clock may be a few seconds ahead, and then its minute is the next one.
  const current = edge.minute === minute + 1 ? edge.minute : minute
  const begin = Math.max((current - 1) * MINUTE_MS, since)
  const seconds = secondsOf(Math.max(at, current * MINUTE_MS) - begin)
  if (edge.minute === current)
    return { calls: edge.calls + edge.callsBefore, failures: edge.failures + edge.failuresBefore, seconds }
  if (edge.minute === current - 1) return { calls: edge.calls, failures: edge.failures, seconds }
  return { calls: 0, failures: 0, seconds }
}

/** Whole seconds; tenths of a short time, because rates are made of it. */
function secondsOf(ms: number): number {
  const seconds = ms / SECOND_MS
  return seconds >= 10 ? Math.round(seconds) : Math.max(0.1, Math.round(seconds * 10) / 10)
}

function stateOf({ calls, failures }: Counts, thresholds: Thresholds): Call['state'] {
  if (calls === null || failures === null) return 'unknown'
  if (calls === 0) return 'idle'
  const others = { clientErrors: 0, degraded: 0, slow: 0, p95Ms: null }
  return levelOf({ requests: calls, failures, ...others }, thresholds)
}

/** Each breaker once: its instances have the worst of their states. */
function breakersOf(histories: readonly BreakerHistory[], health: Health): readonly CallBreaker[] {
  const byName = new Map<string, CallBreaker>()
  for (const breaker of histories) {
    const { shield, policy } = breaker
    const key = JSON.stringify([shield, policy])
    const known = byName.get(key)?.state
    const state = breakerState(breaker, health)
    byName.set(key, { shield, policy, state: known === undefined ? state : worstOf([known, state]) })
  }
  return [...byName.values()]
}

function troubleOf({ state, breakers }: Call): number {
  return Math.max(RANK[state], breakers.some((breaker) => breaker.state !== 'closed') ? RANK.degraded : 0)
}

function keyOf(from: string, to: string, hasLog: boolean): string {
  return `${from}\u0000${to}\u0000${hasLog}`
}

function byNames(a: Call, b: Call): number {
  return compare(a.from, b.from) || compare(a.to, b.to) || Number(a.has_log) - Number(b.has_log)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
