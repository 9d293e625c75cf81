import { type Instance, instancesOf } from '../counts/watch/instances.ts'
import type { LogFiles } from '../journal/log-files.ts'
import type { Reason, ServiceVerdict, State, Verdict } from '../verdict/situation.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../verdict/thresholds.ts'
import { judge } from '../verdict/verdict.ts'
import type { EngineJson } from './engine-json.ts'
import { type FileJson, filesJson } from './files-json.ts'
import { situationOf } from './situation.ts'

/** A service in `GET /api/health`. */
export interface ServiceHealth {
  readonly name: string
  readonly state: State
  /** When the trouble began; null without trouble. */
  readonly since: string | null
  readonly reasons: readonly Reason[]
  /** Requests in the 60 seconds of the verdict, hops included, health checks not. */
  readonly requests: number
  readonly failures: number
  readonly p95_ms: number | null
  /** How far its clock is ahead; negative when it is behind. */
  readonly clock_ahead_ms: number
  /** Breakers that are not closed. Those of a process that no longer runs are not among them. */
  readonly open_breakers: readonly {
    readonly shield: string
    readonly policy: string
    /** The instance of the service, if its lines name one. */
    readonly instance?: string
    readonly state: string
    readonly since: string | null
  }[]
  /** The instances that its lines name. Those that were stopped, or that are silent for ten minutes, are left out. */
  readonly instances: readonly { readonly name: string; readonly last_line: string | null; readonly silent: boolean }[]
  /** The moment of the verdict, if it is not now: there was no request since. */
  readonly as_of: string | null
  /** How many times faster than allowed the error budget is used; only with `--slo`. */
  readonly burn_rate?: number
}

/** The result of `GET /api/health`. */
export interface Health {
  readonly state: State
  readonly since: string | null
  readonly cause: { readonly service: string; readonly reason: Reason } | null
  readonly as_of: string | null
  /** What users got in the last 60 seconds, and which other services have trouble because of the cause. */
  readonly effect: {
    readonly requests: number
    readonly failures: number
    readonly degraded: number
    readonly services: readonly string[]
  }
  readonly services: readonly ServiceHealth[]
  /** What was read instead of requests. Only in the state `waiting`. */
  readonly waiting?: Waiting
  /** The log engine; undefined for files. */
  readonly engine?: EngineJson
}

/** Why there is no verdict. */
export interface Waiting {
  readonly reason:
    | 'no-file'
    | 'unreadable'
    | 'empty'
    | 'malformed'
    | 'unrecognised'
    | 'only-health-checks'
    | 'no-time'
    | 'ahead'
    | 'no-request'
  readonly lines: number
  /** Lines in a known format. */
  readonly recognised: number
  readonly malformed: number
  readonly health_checks: number
  readonly untimed: number
  /** The first 20 files: what each is, and why none of its lines is a request. */
  readonly files: readonly WaitingFile[]
}

/** What a file contains instead of requests. */
export type WaitingFile = Pick<FileJson, 'path' | 'state' | 'format' | 'read' | 'recognised' | 'unread' | 'hints'>

const WAITING_FILES_MAX = 20

/** Judges what the files say at a moment. */
export function healthOf(files: LogFiles, now: number, thresholds: Thresholds = DEFAULT_THRESHOLDS): Health {
  const verdict = judge(situationOf(files.journal, now, thresholds), thresholds)
  const waiting = verdict.state === 'waiting' ? waitingOf(files, now) : undefined
  const watches = new Map(files.journal.services.all.map((watch) => [watch.name, watch]))
  return healthJson(verdict, waiting, ({ name, clockAheadMs }) =>
    // By the clock of the service.
    instancesOf(watches.get(name)?.processes.all ?? [], now + clockAheadMs),
  )
}

/** Returns a verdict as JSON. `waiting` says why there is none. */
export function healthJson(
  verdict: Verdict,
  waiting: Waiting | undefined,
  instances: (service: ServiceVerdict) => readonly Instance[] = () => [],
): Health {
  return {
    state: verdict.state,
    since: iso(verdict.since),
    cause: verdict.cause ?? null,
    as_of: iso(verdict.asOf),
    effect: verdict.effect,
    services: verdict.services.map((service) => serviceJson(service, instances(service))),
    ...(waiting === undefined ? {} : { waiting }),
  }
}

function serviceJson(service: ServiceVerdict, instances: readonly Instance[]): ServiceHealth {
  return {
    name: service.name,
    state: service.state,
    since: iso(service.since),
    reasons: service.reasons,
    requests: service.requests,
    failures: service.failures,
    p95_ms: service.p95Ms === null ? null : Number(service.p95Ms.toPrecision(4)),
    clock_ahead_ms: service.clockAheadMs,
    open_breakers: service.openBreakers.map(({ shield, policy, instance, state, openSince }) => ({
      shield,
      policy,
      ...(instance === undefined ? {} : { instance }),
      state,
      since: iso(openSince),
    })),
    instances: instances.map(({ name, lastAt, isSilent }) => ({ name, last_line: iso(lastAt), silent: isSilent })),
    as_of: iso(service.asOf),
    ...(service.burnRate === undefined ? {} : { burn_rate: Number(service.burnRate.toPrecision(3)) }),
  }
}

function waitingOf(files: LogFiles, now: number): Waiting {
  const counts = { lines: 0, recognised: 0, malformed: 0, untimed: 0 }
  let requests = 0
  for (const { log } of files.all) {
    const { facts } = log
    counts.lines += facts.read
    counts.recognised += facts.recognised
    counts.malformed += facts.malformed
    counts.untimed += facts.untimed
    requests += facts.requests
  }
  const healthChecks = files.journal.services.probes
  return {
    reason: reasonOf(files, counts, requests, healthChecks),
    ...counts,
    health_checks: healthChecks,
    files: filesJson(files, now).slice(0, WAITING_FILES_MAX).map(waitingFile),
  }
}

function waitingFile({ path, state, format, read, recognised, unread, hints }: FileJson): WaitingFile {
  return { path, state, format, read, recognised, unread, hints }
}

function reasonOf(
  files: LogFiles,
  { lines, recognised, malformed }: Pick<Waiting, 'lines' | 'recognised' | 'malformed'>,
  requests: number,
  healthChecks: number,
): Waiting['reason'] {
  if (lines === 0) {
    const states = files.all.map(({ tail }) => tail.state)
    if (states.includes('reading') || states.includes('read')) return 'empty'
    return states.includes('unreadable') ? 'unreadable' : 'no-file'
  }
  if (recognised === 0) return malformed === lines ? 'malformed' : 'unrecognised'
  // Only requests without a time, or with one far ahead, are judged neither as requests nor as health checks.
  if (requests > healthChecks) {
    const isAhead = files.journal.services.all.some(({ lastAheadRequestAt }) => Number.isFinite(lastAheadRequestAt))
    return isAhead ? 'ahead' : 'no-time'
  }
  return healthChecks > 0 ? 'only-health-checks' : 'no-request'
}

function iso(at: number | undefined): string | null {
  return at === undefined || !Number.isFinite(at) ? null : new Date(at).toISOString()
}
