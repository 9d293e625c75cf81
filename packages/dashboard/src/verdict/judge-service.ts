import { CLIENT_SHARE, compare, expectedRequests, LATENCY, type Measure } from './baseline.ts'
import { burnOf, failuresSince, isNegligible, levelOf } from './failures.ts'
import { isKnown, restartedAt } from './processes.ts'
import type {
  BreakerFacts,
  Counts,
  Minute,
  Reason,
  Run,
  ServiceFacts,
  ServiceVerdict,
  State,
  Window,
} from './situation.ts'
import type { Thresholds } from './thresholds.ts'

/** The verdict is about this much time. */
const WINDOW_MS = 60_000

interface Finding {
  readonly reason: Reason
  readonly state: State
  readonly since: number
}

/**
 * Judges one service at one moment.
 *
 * Without a request in the last 60 seconds, and if so few were expected that this means nothing, the verdict is the one of
 * its last request, and says so.
 */
export function judgeService(facts: ServiceFacts, now: number, thresholds: Thresholds): ServiceVerdict {
  const { lastRequestAt = Number.NEGATIVE_INFINITY, lastLineAt = Number.NEGATIVE_INFINITY } = facts
  const isOld = Math.max(lastRequestAt, lastLineAt) < now - thresholds.oldAfterMs
  const hasRequest = facts.window.requests > 0
  const hadRequest = facts.lastRequestAt !== undefined
  const isAwaited = hadRequest && !hasRequest && isExpected(facts, lastRequestAt, thresholds)
  const isSilent = isAwaited && (!isOld || facts.wasFollowed)
  const isEarlier = hadRequest && !hasRequest && !isSilent
  const window = isEarlier ? facts.lastWindow : facts.window
  const moment = isEarlier ? lastRequestAt : now
  const minutes = facts.minutes.filter(({ at }) => at <= moment)
  const findings: Finding[] = [
    ...ofRequests(facts, window, moment, minutes, thresholds),
    ...(isSilent ? [{ reason: 'silence', state: 'silent', since: lastRequestAt } as const] : []),
    ...ofLines(facts, window, isOld ? Math.max(lastRequestAt, lastLineAt) : now, thresholds),
  ]
  const state = worst(findings.map((finding) => finding.state)) ?? (hadRequest ? 'healthy' : 'waiting')
  const decisive = findings.filter((finding) => finding.state === state)
  return {
    name: facts.name,
    state,
    since: decisive.length === 0 ? undefined : Math.min(now, ...decisive.map(({ since }) => since)),
    reasons: [...new Set(findings.map(({ reason }) => reason))],
    requests: window.requests,
    failures: window.failures,
    p95Ms: window.p95Ms,
    clockAheadMs: facts.clockAheadMs,
    openBreakers: openBreakers(facts),
    asOf:
      isEarlier || (isOld && !isSilent) ? Math.max(lastRequestAt, isEarlier ? lastRequestAt : lastLineAt) : undefined,
    isCurrent: !isOld || isSilent,
    burnRate: burnOf(window, thresholds),
  }
}

/** The states, worst first. */
const WORST_FIRST: readonly State[] = ['failing', 'silent', 'degraded', 'healthy', 'waiting']

/** Returns the worst of some states. */
export function worst(states: readonly State[]): State | undefined {
  return WORST_FIRST.find((state) => states.includes(state))
}

function isExpected({ minutes }: ServiceFacts, lastRequestAt: number, thresholds: Thresholds): boolean {
  return (expectedRequests(minutes, lastRequestAt, thresholds) ?? 0) >= thresholds.silentRequests
}

/** What the answers of 60 seconds tell. */
function ofRequests(
  facts: ServiceFacts,
  window: Window,
  moment: number,
  minutes: readonly Minute[],
  thresholds: Thresholds,
): readonly Finding[] {
  const windowStart = moment - WINDOW_MS
  const found: Finding[] = []
  const level = levelOf(window, thresholds)
  if (level !== 'healthy') {
    const older: Run | undefined = level === 'failing' ? facts.olderFailing : facts.olderFailures
    const since = failuresSince(minutes, older, level, thresholds) ?? windowStart
    if (window.failures > 0) found.push({ reason: '5xx', state: level, since })
    if (window.failures === 0) found.push({ reason: 'latency', state: level, since })
  }
  const { probes, probeFailures } = window
  if (probeFailures >= thresholds.failingHalfRequests && probeFailures >= probes * thresholds.failingHalf) {
    found.push({ reason: '5xx', state: 'degraded', since: windowStart })
  }
  const measures: readonly (readonly [Reason, Measure])[] = [
    ['4xx', CLIENT_SHARE],
    ['latency', LATENCY],
  ]
  for (const [reason, measure] of measures) {
    const trouble = compare(measure, window, windowStart, minutes, thresholds)
    if (trouble !== undefined) found.push({ reason, state: 'degraded', since: trouble.since })
  }
  return found
}

function openBreakers(facts: ServiceFacts): readonly BreakerFacts[] {
  return facts.breakers.filter((breaker) => breaker.openSince !== undefined && isKnown(breaker, facts))
}

/** What other lines of the service tell. */
function ofLines(facts: ServiceFacts, window: Window, moment: number, thresholds: Thresholds): readonly Finding[] {
  const { minutes } = facts
  const found: Finding[] = []
  const add = (reason: Reason, since: number): void => void found.push({ reason, state: 'degraded', since })
  const open = openBreakers(facts)
  if (open.length > 0) add('breaker', Math.min(...open.map(({ openSince = moment }) => openSince)))
  // What was logged since the last request counts too.
  for (const span of new Set([window, facts.window])) {
    if (span.degraded > 0 && !isNegligible(span.degraded, span, thresholds)) {
      add('fallbacks', fallbacksSince(minutes, span, thresholds) ?? moment - WINDOW_MS)
    }
    if (span.criticals > 0) add('critical', span.firstCriticalAt ?? moment - WINDOW_MS)
  }
  const restarted = restartedAt(facts, moment, thresholds)
  if (restarted !== undefined) add('restarts', restarted)
  return found
}

function fallbacksSince(minutes: readonly Minute[], window: Counts, thresholds: Thresholds): number | undefined {
  let since: number | undefined
  for (const minute of minutes.toReversed()) {
    const { firstBadAt, lastAt } = minute
    if (firstBadAt === undefined || minute.degraded === 0) continue
    if (since !== undefined && since - Math.max(firstBadAt, Math.min(lastAt, since)) > WINDOW_MS) break
    if (since !== undefined && isNegligible(minute.degraded, minute, thresholds)) break
    since = firstBadAt
  }
  return window.degraded > 0 ? since : undefined
}
