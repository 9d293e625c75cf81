import type { Minute, ServiceFacts, ServiceVerdict, Situation, Verdict, Window } from '../situation.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../thresholds.ts'
import { judge } from '../verdict.ts'

/** The moment of the verdict in these tests. */
export const NOW = 1_800_000_000_000
const MINUTE_MS = 60_000

/** Returns a window; requests are entries unless told otherwise. */
export function window(changed: Partial<Window> = {}): Window {
  const { requests = 0, failures = 0, degraded = 0 } = changed
  return {
    requests,
    failures,
    clientErrors: 0,
    degraded,
    slow: 0,
    p95Ms: requests === 0 ? null : 20,
    entries: requests,
    entryFailures: failures,
    entryDegraded: degraded,
    probes: 0,
    probeFailures: 0,
    criticals: 0,
    firstCriticalAt: undefined,
    ...changed,
  }
}

/** Returns a minute that began `ago` minutes before now. */
export function minute(ago: number, changed: Partial<Minute> = {}): Minute {
  const at = NOW - ago * MINUTE_MS
  const { requests = 60, failures = 0, degraded = 0, slow = 0 } = changed
  return {
    at,
    requests,
    failures,
    clientErrors: 0,
    degraded,
    slow,
    p95Ms: 20,
    firstAt: at,
    lastAt: at + 59_000,
    firstFailureAt: failures > 0 ? at : undefined,
    lastFailureAt: failures > 0 ? at + 59_000 : undefined,
    firstBadAt: degraded > 0 || slow > 0 ? at : undefined,
    ...changed,
  }
}

/** Returns the minutes from `from` to `to` minutes ago, oldest first. */
export function minutes(from: number, to: number, changed: Partial<Minute> = {}): readonly Minute[] {
  return Array.from({ length: from - to }, (_, index) => minute(from - index, changed))
}

/** Returns a service that had requests in the last 60 seconds, healthy unless changed. */
export function service(changed: Partial<ServiceFacts> = {}): ServiceFacts {
  const now = changed.window ?? window({ requests: 60 })
  return {
    name: 'shop',
    window: now,
    lastWindow: now,
    minutes: [],
    olderFailing: undefined,
    olderFailures: undefined,
    lastRequestAt: NOW - 1_000,
    lastLineAt: NOW - 1_000,
    wasFollowed: true,
    breakers: [],
    processes: [],
    starts: [],
    clockAheadMs: 0,
    ...changed,
  }
}

/** Judges services at {@link NOW}. */
export function verdict(
  services: readonly ServiceFacts[],
  changed: Partial<Situation> = {},
  thresholds: Partial<Thresholds> = {},
): Verdict {
  return judge({ now: NOW, isOld: false, services, edges: [], ...changed }, { ...DEFAULT_THRESHOLDS, ...thresholds })
}

/** Judges one service at {@link NOW}. */
export function one(changed: Partial<ServiceFacts>, thresholds: Partial<Thresholds> = {}): ServiceVerdict {
  const [only] = verdict([service(changed)], {}, thresholds).services
  if (only === undefined) throw new Error('no verdict')
  return only
}
