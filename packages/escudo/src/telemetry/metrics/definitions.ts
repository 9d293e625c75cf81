// Every metric of escudo, with its name on each face: Prometheus' text and prom-client use `name`, OpenTelemetry `otel`.
// The HTTP names, attributes and bounds follow OpenTelemetry's semantic conventions. Labels are listed by the name of
// their attribute; in Prometheus, their dots are underscores, as OpenTelemetry's exporters write them.

/** The definition of a metric, without its values. */
export interface FamilyFacts {
  /** The name in Prometheus, with its unit and without `_total` or `_info`. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'info'
  /** The names of the labels as OpenTelemetry writes them, such as `escudo.shield`. */
  readonly labels: readonly string[]
  /** The unit that the name ends in. */
  readonly unit?: 'seconds'
  readonly otel: OtelFacts
}

/** A metric as OpenTelemetry names it. */
export interface OtelFacts {
  readonly name: string
  /** The unit, in UCUM's notation: `s`, or what is counted, such as `{call}`. */
  readonly unit: string
}

/** The upper bounds of durations of calls and waits, in seconds. Those of the conventions for HTTP. */
export const BOUNDS_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

/** The upper bounds of open periods, in seconds. */
export const OPEN_BOUNDS_SECONDS: readonly number[] = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600]

export const SERVED: FamilyFacts = histogram(
  'http_server_request_duration_seconds',
  'http.server.request.duration',
  'Duration of the requests that this service answered, in seconds.',
  ['http.request.method', 'http.route', 'http.response.status_code', 'error.type'],
)
export const ACTIVE: FamilyFacts = gauge(
  'http_server_active_requests',
  'http.server.active_requests',
  '{request}',
  'Requests that this service is processing now.',
  ['http.request.method'],
)
export const SENT: FamilyFacts = histogram(
  'http_client_request_duration_seconds',
  'http.client.request.duration',
  'Duration of the attempts to call a dependency, including the response body, in seconds.',
  ['http.request.method', 'server.address', 'server.port', 'http.response.status_code', 'error.type'],
)
export const ERRORS: FamilyFacts = counter(
  'escudo_http_errors',
  'escudo.http.error.count',
  '{error}',
  'Error answers of this service, by code and kind: business (the client can act) or technical (the service is at fault).',
  ['error.code', 'error.kind'],
)

export const WORK: FamilyFacts = histogram(
  'escudo_work_duration_seconds',
  'escudo.work.duration',
  'Duration of work that is no HTTP request: messages of a queue, jobs, in seconds.',
  ['escudo.work', 'error.type'],
)

const POLICY = ['escudo.shield', 'escudo.policy'] as const

export const CALLS: FamilyFacts = histogram(
  'escudo_call_duration_seconds',
  'escudo.call.duration',
  'Duration of the calls of a shield, with all their attempts and waits, by outcome, in seconds.',
  ['escudo.shield', 'outcome'],
)
export const BREAKER_EXECUTIONS: FamilyFacts = counter(
  'escudo_circuit_breaker_executions',
  'escudo.circuit_breaker.execution.count',
  '{call}',
  'Calls by outcome at the circuit breaker; rejected calls were not run.',
  [...POLICY, 'outcome'],
)
export const BREAKER_STATE: FamilyFacts = gauge(
  'escudo_circuit_breaker_state',
  'escudo.circuit_breaker.state',
  '{circuit}',
  'State of the circuit breaker: 1 for the current state, 0 for the others.',
  [...POLICY, 'state'],
)
export const BREAKER_CHANGES: FamilyFacts = counter(
  'escudo_circuit_breaker_state_changes',
  'escudo.circuit_breaker.state_change.count',
  '{change}',
  'State changes of the circuit breaker, by old state, new state and reason.',
  [...POLICY, 'from', 'to', 'reason'],
)
export const BREAKER_OPEN: FamilyFacts = histogram(
  'escudo_circuit_breaker_open_duration_seconds',
  'escudo.circuit_breaker.open.duration',
  'Duration of the periods during which the circuit was open, in seconds.',
  POLICY,
)
export const RETRY_EXECUTIONS: FamilyFacts = counter(
  'escudo_retry_executions',
  'escudo.retry.execution.count',
  '{call}',
  'Calls by outcome after all their attempts.',
  [...POLICY, 'outcome'],
)
export const RETRY_ATTEMPTS: FamilyFacts = counter(
  'escudo_retry_attempts',
  'escudo.retry.attempts',
  '{attempt}',
  'Attempts, including the first attempt of each call.',
  POLICY,
)
export const RETRY_DELAY: FamilyFacts = histogram(
  'escudo_retry_delay_seconds',
  'escudo.retry.delay',
  'Delays between a failed attempt and the next one, in seconds.',
  POLICY,
)
export const TIMEOUT_EXECUTIONS: FamilyFacts = counter(
  'escudo_timeout_executions',
  'escudo.timeout.execution.count',
  '{call}',
  'Calls by outcome: ended in time, timed out, or aborted.',
  [...POLICY, 'outcome'],
)
/** Shared by rate limiters and adaptive throttles. The label `escudo.policy` distinguishes them. */
export const RATE_LIMITED: FamilyFacts = counter(
  'escudo_rate_limiter_requests',
  'escudo.rate_limiter.request.count',
  '{call}',
  'Calls by outcome at the rate limiter or adaptive throttle; rejected calls were not run.',
  [...POLICY, 'outcome'],
)
export const RATE_LIMITER_WAIT: FamilyFacts = histogram(
  'escudo_rate_limiter_wait_duration_seconds',
  'escudo.rate_limiter.wait.duration',
  'Waits of the calls that got a permit of the rate limiter after a wait, in seconds.',
  POLICY,
)
export const BULKHEAD_IN_USE: FamilyFacts = gauge(
  'escudo_bulkhead_in_use',
  'escudo.bulkhead.in_use',
  '{operation}',
  'Operations that are running now.',
  POLICY,
)
export const BULKHEAD_LIMIT: FamilyFacts = gauge(
  'escudo_bulkhead_limit',
  'escudo.bulkhead.limit',
  '{operation}',
  'Maximum number of concurrent operations.',
  POLICY,
)
export const BULKHEAD_QUEUED: FamilyFacts = gauge(
  'escudo_bulkhead_queued',
  'escudo.bulkhead.queued',
  '{call}',
  'Calls that are waiting for a permit.',
  POLICY,
)
export const BULKHEAD_WAIT: FamilyFacts = histogram(
  'escudo_bulkhead_wait_duration_seconds',
  'escudo.bulkhead.wait.duration',
  'Waits of the calls that got a permit of the bulkhead after a wait, in seconds.',
  POLICY,
)
export const BULKHEAD_REJECTIONS: FamilyFacts = counter(
  'escudo_bulkhead_rejections',
  'escudo.bulkhead.rejected.count',
  '{call}',
  'Calls that the bulkhead or adaptive limiter rejected.',
  POLICY,
)
export const ADAPTIVE_LIMIT: FamilyFacts = gauge(
  'escudo_adaptive_limiter_limit',
  'escudo.adaptive_limiter.limit',
  '{operation}',
  'Current limit of the adaptive limiter.',
  POLICY,
)
export const ADAPTIVE_IN_USE: FamilyFacts = gauge(
  'escudo_adaptive_limiter_in_use',
  'escudo.adaptive_limiter.in_use',
  '{operation}',
  'Operations that are running now in the adaptive limiter.',
  POLICY,
)
export const FALLBACKS: FamilyFacts = counter(
  'escudo_fallback_uses',
  'escudo.fallback.use.count',
  '{call}',
  'Failures that a fallback replaced.',
  POLICY,
)
export const CACHE_REQUESTS: FamilyFacts = counter(
  'escudo_cache_requests',
  'escudo.cache.request.count',
  '{call}',
  'Calls by outcome at the cache: hit, stale or miss.',
  [...POLICY, 'outcome'],
)
export const HEDGE_EXECUTIONS: FamilyFacts = counter(
  'escudo_hedge_executions',
  'escudo.hedge.execution.count',
  '{call}',
  'Calls by outcome at the hedge: which attempt answered first.',
  [...POLICY, 'outcome'],
)
export const HEDGE_ATTEMPTS: FamilyFacts = counter(
  'escudo_hedge_attempts',
  'escudo.hedge.attempts',
  '{attempt}',
  'Attempts, including the first attempt of each call.',
  POLICY,
)
export const LOST_LINES: FamilyFacts = counter(
  'escudo_log_lines_lost',
  'escudo.log.line.lost.count',
  '{line}',
  'Log lines that could not be written, by reason: the code of the system, or STALLED.',
  ['reason'],
)
export const FOLDED: FamilyFacts = counter(
  'escudo_metrics_folded',
  'escudo.metric.folded.count',
  '{measurement}',
  'Measurements that went to the overflow series because the metric has its maximum number of series.',
  ['metric'],
)
/** What OpenTelemetry's exporters for Prometheus write of the resource. */
export const TARGET: FamilyFacts = {
  name: 'target',
  help: 'The instance of the service.',
  type: 'info',
  labels: ['service.instance.id'],
  otel: { name: 'target', unit: '1' },
}

/** The name that the samples of a metric have in Prometheus. */
export function sampleName({ name, type }: FamilyFacts): string {
  if (type === 'counter') return `${name}_total`
  return type === 'info' ? `${name}_info` : name
}

function counter(name: string, otel: string, unit: string, help: string, labels: readonly string[]): FamilyFacts {
  return { name, help, type: 'counter', labels, otel: { name: otel, unit } }
}

function gauge(name: string, otel: string, unit: string, help: string, labels: readonly string[]): FamilyFacts {
  return { name, help, type: 'gauge', labels, otel: { name: otel, unit } }
}

function histogram(name: string, otel: string, help: string, labels: readonly string[]): FamilyFacts {
  return { name, help, type: 'histogram', labels, unit: 'seconds', otel: { name: otel, unit: 's' } }
}
