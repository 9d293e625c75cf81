import type { ShieldEvent } from '../core/events/events.ts'
import { causesOf, messageOf, typeOf } from '../errors/contract/log-fields.ts'
import type { LogLevel } from '../errors/error-facts.ts'
import { factsOf } from '../errors/error-facts.ts'

/** A log line before it is written. */
export interface PolicyLine {
  readonly level: LogLevel
  /** The name of the line, such as `circuit_breaker.state_change` or `retry.attempt`. */
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}

// Lines of refusals by error code. Their level is debug, because a refusal is what the policy is for, and because every
// call may be refused in an outage. The effect of a refusal on its caller is logged where the error is handled.
const REFUSALS: Readonly<Record<string, { readonly event: string; readonly level: LogLevel }>> = {
  CIRCUIT_OPEN: { event: 'circuit_breaker.rejected', level: 'debug' },
  BULKHEAD_FULL: { event: 'bulkhead.rejected', level: 'debug' },
  RATE_LIMITED: { event: 'rate_limiter.rejected', level: 'debug' },
}

type Name = Pick<PolicyLine, 'level' | 'event'>

const NAMES: Readonly<Partial<Record<ShieldEvent['type'], Name>>> = {
  stateChange: { level: 'warning', event: 'circuit_breaker.state_change' },
  retry: { level: 'warning', event: 'retry.attempt' },
  // Info, because hedging is normal: with a quantile of 0.95 it happens on every twentieth call.
  hedge: { level: 'info', event: 'hedge' },
  hedgeWon: { level: 'info', event: 'hedge.won' },
  cacheHit: { level: 'debug', event: 'cache.hit' },
  cacheMiss: { level: 'debug', event: 'cache.miss' },
  timeout: { level: 'warning', event: 'timeout' },
  fallback: { level: 'warning', event: 'fallback' },
  stale: { level: 'warning', event: 'cache.stale' },
  cacheStoreFailed: { level: 'warning', event: 'cache.store_failed' },
  late: { level: 'debug', event: 'circuit_breaker.late_result' },
  executed: { level: 'debug', event: 'policy.executed' },
  disabled: { level: 'warning', event: 'shield.disabled' },
  enabled: { level: 'warning', event: 'shield.enabled' },
  reconfigured: { level: 'warning', event: 'shield.reconfigured' },
}

const OTHER_REFUSAL: Name = { level: 'debug', event: 'policy.rejected' }

/** The name and the level of a line. In an outage, most lines are only counted, so their fields are not made. */
export function lineNameOf(event: ShieldEvent): Name {
  if (event.type === 'rejected') {
    return Object.hasOwn(REFUSALS, event.code) ? (REFUSALS[event.code] as Name) : OTHER_REFUSAL
  }
  const { type } = event as { readonly type: string }
  const known = Object.hasOwn(NAMES, type) ? NAMES[event.type] : undefined
  return known ?? { level: 'info', event: inSnakeCase(type) }
}

/**
 * Converts an event of a policy to a log line with the canonical field names.
 *
 * @example
 * ```ts
 * import { policyLine, subscribe } from 'escudo/telemetry'
 *
 * const stop = subscribe((event) => {
 *   const { level, event: name, fields } = policyLine(event)
 *   console.log(level, name, fields)
 * })
 * stop()
 * ```
 */
export function policyLine(event: ShieldEvent): PolicyLine {
  const { level, event: name } = lineNameOf(event)
  return { level, event: name, fields: fieldsOf(event) }
}

function fieldsOf(event: ShieldEvent): PolicyLine['fields'] {
  const { shield } = event
  const base = 'policy' in event ? { shield, policy: event.policy } : { shield }
  switch (event.type) {
    case 'stateChange': {
      const { from, to, reason, failures, calls, lastFailure } = event
      const last = lastFailure && { error_type: lastFailure.name, error_code: lastFailure.code }
      return { ...base, from, to, reason, failures, calls, ...last }
    }
    case 'retry': {
      const { attempt, delayMs } = event
      return { ...base, attempt, delay_ms: rounded(delayMs), ...failureFields(event) }
    }
    case 'hedge':
      return { ...base, attempt: event.attempt, delay_ms: rounded(event.delayMs) }
    case 'timeout':
      return { ...base, after_ms: rounded(event.afterMs) }
    case 'rejected': {
      const { code, retryAfterMs } = event
      const after = retryAfterMs === undefined ? {} : { retry_after_ms: rounded(retryAfterMs) }
      return { ...base, error_code: code, ...after }
    }
    case 'hedgeWon':
      return { ...base, attempt: event.attempt, duration_ms: rounded(event.durationMs) }
    // Without the key, which may be personal data.
    case 'cacheHit':
      return { ...base, age_ms: rounded(event.ageMs), stale: event.stale }
    case 'cacheMiss':
      return base
    case 'fallback':
      return { ...base, ...failureFields(event) }
    case 'stale': {
      const { error, ageMs, refresh } = event
      return { ...base, age_ms: rounded(ageMs), refresh, ...errorFields(error) }
    }
    case 'cacheStoreFailed':
      return { ...base, action: event.action, ...errorFields(event.error) }
    case 'late':
      return { ...base, verdict: event.verdict }
    case 'executed': {
      const { policyType, outcome, attempts, durationMs } = event
      const executed = { ...base, policy_type: policyType, outcome, attempts, duration_ms: rounded(durationMs) }
      return 'error' in event ? { ...executed, ...errorFields(event.error) } : executed
    }
    case 'disabled':
    case 'enabled':
      return base
    case 'reconfigured':
      return { ...base, before: event.before, after: event.after }
    default:
      return fieldsOfUnknownEvent(event)
  }
}

/** The fields of what a policy handled: an error, or a value that a classifier rejected. Never the value itself. */
function failureFields(event: { readonly error: unknown; readonly value?: unknown }): PolicyLine['fields'] {
  return 'value' in event ? { value_type: typeOf(event.value) } : errorFields(event.error)
}

/** The fields of an event with an unknown type, from a newer version or a custom policy. */
function fieldsOfUnknownEvent(event: { readonly type: string }): PolicyLine['fields'] {
  const { type: _, ...rest } = event
  const fields = Object.entries(rest).map(([key, value]) => [inSnakeCase(key), primitiveOrSummary(value)] as const)
  return Object.fromEntries(fields)
}

/** The fields of an error that a policy handled: code, type, message and causes, without stacks. */
export function errorFields(error: unknown): Readonly<Record<string, unknown>> {
  const code = factsOf(error)?.code
  // The error of a failed fetch says little: the address and `ECONNREFUSED` are in its causes.
  const causes = causesOf(error, false)
  return {
    ...(code === undefined ? {} : { error_code: code }),
    error_type: typeOf(error),
    error_message: messageOf(error),
    ...(causes.length === 0 ? {} : { error_causes: causes }),
  }
}

function primitiveOrSummary(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? `${typeOf(value)}: ${messageOf(value)}` : value
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100
}

function inSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
