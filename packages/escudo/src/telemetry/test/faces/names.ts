// The names, types and units of the design, written by hand: a change of a name must be made here, too.

/** Each metric: its name in Prometheus, its name, type and unit in OpenTelemetry. */
export const NAMES: readonly (readonly [prometheus: string, otel: string, type: string, unit: string])[] = [
  ['http_server_request_duration_seconds', 'http.server.request.duration', 'histogram', 's'],
  ['http_client_request_duration_seconds', 'http.client.request.duration', 'histogram', 's'],
  ['http_server_active_requests', 'http.server.active_requests', 'updown', '{request}'],
  ['escudo_http_errors_total', 'escudo.http.error.count', 'counter', '{error}'],
  ['escudo_work_duration_seconds', 'escudo.work.duration', 'histogram', 's'],
  ['escudo_call_duration_seconds', 'escudo.call.duration', 'histogram', 's'],
  ['escudo_circuit_breaker_state', 'escudo.circuit_breaker.state', 'updown', '{circuit}'],
  ['escudo_circuit_breaker_state_changes_total', 'escudo.circuit_breaker.state_change.count', 'counter', '{change}'],
  ['escudo_circuit_breaker_executions_total', 'escudo.circuit_breaker.execution.count', 'counter', '{call}'],
  ['escudo_circuit_breaker_open_duration_seconds', 'escudo.circuit_breaker.open.duration', 'histogram', 's'],
  ['escudo_retry_executions_total', 'escudo.retry.execution.count', 'counter', '{call}'],
  ['escudo_retry_attempts_total', 'escudo.retry.attempts', 'counter', '{attempt}'],
  ['escudo_retry_delay_seconds', 'escudo.retry.delay', 'histogram', 's'],
  ['escudo_bulkhead_in_use', 'escudo.bulkhead.in_use', 'updown', '{operation}'],
  ['escudo_bulkhead_limit', 'escudo.bulkhead.limit', 'updown', '{operation}'],
  ['escudo_bulkhead_queued', 'escudo.bulkhead.queued', 'updown', '{call}'],
  ['escudo_bulkhead_wait_duration_seconds', 'escudo.bulkhead.wait.duration', 'histogram', 's'],
  ['escudo_bulkhead_rejections_total', 'escudo.bulkhead.rejected.count', 'counter', '{call}'],
  ['escudo_rate_limiter_requests_total', 'escudo.rate_limiter.request.count', 'counter', '{call}'],
  ['escudo_rate_limiter_wait_duration_seconds', 'escudo.rate_limiter.wait.duration', 'histogram', 's'],
  ['escudo_timeout_executions_total', 'escudo.timeout.execution.count', 'counter', '{call}'],
  ['escudo_adaptive_limiter_limit', 'escudo.adaptive_limiter.limit', 'updown', '{operation}'],
  ['escudo_adaptive_limiter_in_use', 'escudo.adaptive_limiter.in_use', 'updown', '{operation}'],
  ['escudo_fallback_uses_total', 'escudo.fallback.use.count', 'counter', '{call}'],
  ['escudo_cache_requests_total', 'escudo.cache.request.count', 'counter', '{call}'],
  ['escudo_hedge_executions_total', 'escudo.hedge.execution.count', 'counter', '{call}'],
  ['escudo_hedge_attempts_total', 'escudo.hedge.attempts', 'counter', '{attempt}'],
  ['escudo_log_lines_lost_total', 'escudo.log.line.lost.count', 'counter', '{line}'],
  ['escudo_metrics_folded_total', 'escudo.metric.folded.count', 'counter', '{measurement}'],
]

/** The names in Prometheus, by those in OpenTelemetry. */
export const PROMETHEUS_NAMES: ReadonlyMap<string, string> = new Map(
  NAMES.map(([prometheus, otel]) => [otel, prometheus]),
)
