import { AHEAD_MS_MIN } from '../counts/watch/clock-offset.ts'
import { kindOf } from '../lines/kind.ts'
import { integerBetween } from '../lines/log-fields.ts'
import type { LogLine } from '../lines/log-line.ts'
import { routeOf } from '../lines/route-of.ts'
import type { Journal } from './journal.ts'

/** The events that are counted by name. */
const COUNTED_EVENTS: ReadonlySet<string> = new Set([
  'retry.attempt',
  'circuit_breaker.rejected',
  'bulkhead.rejected',
  'rate_limiter.rejected',
  'timeout',
  'fallback',
  'hedge',
])

/** The event of a call that a breaker refused. */
const REFUSAL = 'circuit_breaker.rejected'
const DAY_MS = 86_400_000

/** The most events that one summary adds: a wrong number must not stop the dashboard. */
const SUMMARISED_MAX = 100_000

/**
 * Counts a line in the journal, a request in its cell. `now` is the reader's clock.
 *
 * Returns whether its time is kept; undefined if there was nothing to count.
 */
export function countLine(
  journal: Journal,
  line: LogLine,
  service: string,
  at: number | undefined,
  now: number,
  cell: number | undefined,
): boolean | undefined {
  const { cells, named, breakers } = journal
  // The verdict needs breakers by the clock of their service.
  const ownAt = at === undefined ? undefined : line.at
  if (cell !== undefined) return named.add(at, cell, line.latencyMs, now)
  if (line.event === undefined) return undefined
  if (line.event === REFUSAL && ownAt !== undefined) {
    const { fields } = line
    const retryMs = integerBetween(Math.round(Number(fields.first('retry_after_ms'))), 0, DAY_MS)
    breakers.refuse(service, shieldOf(line), policyOf(line), ownAt, 1, line.instance, retryMs)
  }
  if (COUNTED_EVENTS.has(line.event)) return named.add(at, cells.event(service, line.event), undefined, now)
  if (line.event === 'policy.summary') return countSummary(journal, line, service, at, now)
  if (line.event !== 'circuit_breaker.state_change' || ownAt === undefined) return undefined
  const { fields } = line
  const latest = now + AHEAD_MS_MIN + journal.services.watch(service).clock.ms
  const change = {
    at: ownAt,
    from: fields.short(20, 'from') ?? '',
    to: fields.short(20, 'to') ?? '',
    traceId: fields.short(100, 'trace_id'),
    process: line.instance,
    reason: fields.short(100, 'reason'),
    failures: integerBetween(fields.first('failures'), 0, 1e9),
    calls: integerBetween(fields.first('calls'), 0, 1e9),
    error: fields.short(100, 'error_code', 'error_type'),
  }
  breakers.add(service, shieldOf(line), policyOf(line), change, latest)
  return undefined
}

/** Counts the events that a shield did not log one by one. */
function countSummary(
  journal: Journal,
  line: LogLine,
  service: string,
  at: number | undefined,
  now: number,
): boolean | undefined {
  const { cells, named, breakers } = journal
  const ownAt = at === undefined ? undefined : line.at
  let kept: boolean | undefined
  for (const event of COUNTED_EVENTS) {
    const count = integerBetween(line.fields.nested('counts', event), 1, SUMMARISED_MAX) ?? 0
    if (event === REFUSAL && count > 0 && ownAt !== undefined)
      breakers.refuse(service, shieldOf(line), undefined, ownAt, count, line.instance)
    const cell = count === 0 ? 0 : cells.event(service, event)
    for (let added = 0; added < count; added += 1) kept = named.add(at, cell, undefined, now)
  }
  return kept
}

function shieldOf({ fields }: LogLine): string {
  return fields.short(100, 'shield') ?? ''
}

function policyOf({ fields }: LogLine): string {
  return fields.short(100, 'policy') ?? 'circuitBreaker'
}

/** Returns the cell that counts a line; undefined if it is no request. */
export function requestCell({ cells }: Journal, line: LogLine, service: string): number | undefined {
  if (!line.isRequest) return undefined
  const route = routeOf(line)
  if (line.status === undefined || line.status < 400) return cells.succeeded(service, route, line.status)
  const code = line.errorCode === undefined ? undefined : shortCode(line.errorCode)
  return cells.request(service, line.status, code, kindOf(line), route)
}

function shortCode(code: string): string {
  return code.length > 100 ? `${code.slice(0, 99).toWellFormed()}…` : code
}
