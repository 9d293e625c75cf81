import { perSecond } from './promql.ts'
import { type Service, shieldsWith } from './service/service.ts'

// What both the panels and the alerts divide.

// Each counts a call of a shield once, as long as the policy sees each call once. The first that fits is taken.
const CALL_COUNTERS = [
  'escudo_call_duration_seconds_count',
  'escudo_timeout_executions_total',
  'escudo_retry_executions_total',
  'escudo_circuit_breaker_executions_total',
] as const

/**
 * The share of calls that got a fallback, for each shield that has one.
 *
 * @param matchers selects the series of the service
 * @returns undefined if no shield has a fallback, or if nothing counts the calls of all of these shields
 */
export function fallbackShare(service: Service, matchers: string, range: string): string | undefined {
  const shields = shieldsWith(service, 'escudo_fallback_uses_total')
  const counter = CALL_COUNTERS.find((metric) => {
    const counted = shieldsWith(service, metric)
    return shields.every((shield) => counted.includes(shield))
  })
  if (shields.length === 0 || counter === undefined) return undefined
  const fallbacks = perSecond('escudo_fallback_uses_total', matchers, range, 'job', 'escudo_shield')
  // Two policies of one type see the same calls.
  const calls = perSecond(counter, matchers, range, 'job', 'escudo_shield', 'escudo_policy')
  return `${fallbacks} / max by (job, escudo_shield) (${calls})`
}

/** The share of requests that the service answered with a technical error. */
export function technicalErrorShare(matchers: string, range: string, ...by: readonly string[]): string {
  const errors = perSecond('escudo_http_errors_total', `${matchers},error_kind="technical"`, range, ...by)
  return `${errors} / ${perSecond('http_server_request_duration_seconds_count', matchers, range, ...by)}`
}
