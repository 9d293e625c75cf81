import { duration, literal, oneOf, perSecond, quoted } from '../promql.ts'
import { hasMetric, type Service, shieldsWith } from '../service/service.ts'
import { fallbackShare } from '../shares.ts'
import type { Alert, AlertParts, AlertSettings } from './alert.ts'
import { burnAlerts } from './burn.ts'

const SHIELD_LABELS = ['job', 'escudo_shield', 'escudo_policy'] as const
const POLICY = "policy '{{ $labels.escudo_policy }}' of shield '{{ $labels.escudo_shield }}'"
const SATURATED_FROM = 0.9
const FALLBACK_SHARE_FROM = 0.1
const RATE_LIMITED_FROM = 0.05

/** The alerts for a service: those whose metrics its shields have. */
export function alertsFor(service: Service, { job, objective, windowScale }: AlertSettings): readonly Alert[] {
  const minutes = (count: number): string => duration(count * 60_000 * windowScale)
  const parts: AlertParts = { service: `job=${quoted(job)}`, minutes, objective }
  return [
    ...circuitAlerts(service, parts),
    ...fallbackAlerts(service, parts),
    ...saturationAlerts(service, parts),
    ...burnAlerts(parts),
    ...telemetryAlerts(parts, job),
  ]
}

function circuitAlerts(service: Service, { service: selector, minutes }: AlertParts): readonly Alert[] {
  if (!hasMetric(service, 'escudo_circuit_breaker_state')) return []
  const withBreaker = new Set(shieldsWith(service, 'escudo_circuit_breaker_state'))
  const withFallback = shieldsWith(service, 'escudo_fallback_uses_total').filter((name) => withBreaker.has(name))
  // A failing dependency moves a breaker between open and half-open. It counts as open all that time. The window is longer
  // than Prometheus' default scrape interval of a minute, and shorter than the time that the alert waits: one short open
  // period raises nothing.
  const open = (more: string): string =>
    `max by (${SHIELD_LABELS.join(', ')}) (max_over_time(escudo_circuit_breaker_state{${selector},state="open"${more}}[${minutes(2)}])) == 1`
  const cause = `Look at "Failed attempts by dependency" on the dashboard and at the log lines circuit_breaker.state_change and retry.attempt of this shield: they name the cause. Repair or relieve the dependency. The circuit closes by itself when its probes succeed; do not reset it before.`
  const alerts: Alert[] = [
    {
      name: 'EscudoCircuitOpen',
      severity: 'critical',
      expr: open(withFallback.length === 0 ? '' : `,escudo_shield!~${oneOf(withFallback)}`),
      holds: minutes(3),
      summary: `{{ $labels.job }}: the circuit of shield '{{ $labels.escudo_shield }}' is open`,
      description: `The circuit breaker, ${POLICY}, rejects calls because its dependency fails. The callers get errors: this shield has no fallback. ${cause}`,
      when: 'A circuit of a shield without a fallback stays open, or opens again and again, for three minutes.',
    },
  ]
  if (withFallback.length > 0) {
    alerts.push({
      name: 'EscudoCircuitOpenWithFallback',
      severity: 'warning',
      expr: open(`,escudo_shield=~${oneOf(withFallback)}`),
      holds: minutes(3),
      summary: `{{ $labels.job }}: the circuit of shield '{{ $labels.escudo_shield }}' is open; callers get its fallback`,
      description: `The circuit breaker, ${POLICY}, rejects calls because its dependency fails. The callers get a substitute answer. ${cause}`,
      when: `The same for a shield with a fallback: ${withFallback.join(', ')}.`,
    })
  }
  alerts.push({
    name: 'EscudoCircuitForced',
    severity: 'warning',
    expr: `max by (${[...SHIELD_LABELS, 'state'].join(', ')}) (escudo_circuit_breaker_state{${selector},state=~"isolated|disabled"}) == 1`,
    holds: minutes(60),
    summary: `{{ $labels.job }}: the circuit of shield '{{ $labels.escudo_shield }}' has been {{ $labels.state }} for an hour`,
    description: `An operator set the circuit breaker, ${POLICY}, to '{{ $labels.state }}'. It stays so until it is reset. An isolated breaker rejects every call; a disabled one protects nothing. If the reason is gone, reset it.`,
    when: 'A circuit has been isolated or disabled for an hour.',
  })
  return alerts
}

function fallbackAlerts(service: Service, { service: selector, minutes }: AlertParts): readonly Alert[] {
  const share = fallbackShare(service, selector, minutes(5))
  if (share === undefined) return []
  return [
    {
      name: 'EscudoFallbackShare',
      severity: 'warning',
      expr: `${share} > ${FALLBACK_SHARE_FROM}`,
      holds: minutes(5),
      summary: `{{ $labels.job }}: {{ $value | humanizePercentage }} of the calls of shield '{{ $labels.escudo_shield }}' get its fallback`,
      description: `The callers get a substitute instead of the real answer, so the service looks healthy and is not. The log line fallback has the error that the fallback hid. Find out why the dependency fails or is slow, and whether the substitute is good enough for so many answers.`,
      when: `More than ${percent(FALLBACK_SHARE_FROM)} of the calls of a shield got its fallback for five minutes.`,
    },
  ]
}

function saturationAlerts(service: Service, { service: selector, minutes }: AlertParts): readonly Alert[] {
  const alerts: Alert[] = []
  if (hasMetric(service, 'escudo_bulkhead_limit')) {
    const by = ['job', 'instance', 'escudo_shield', 'escudo_policy'].join(', ')
    alerts.push({
      name: 'EscudoBulkheadSaturated',
      severity: 'warning',
      expr: `sum by (${by}) (avg_over_time(escudo_bulkhead_in_use{${selector}}[${minutes(5)}])) / sum by (${by}) (escudo_bulkhead_limit{${selector}}) >= ${SATURATED_FROM}`,
      holds: minutes(5),
      summary: `{{ $labels.job }}: the bulkhead of shield '{{ $labels.escudo_shield }}' on {{ $labels.instance }} is {{ $value | humanizePercentage }} full`,
      description: `The bulkhead, ${POLICY}, has hardly a free permit: further calls wait or are rejected. If the calls take longer than before, the dependency is slow: look at "Attempt latency by dependency". If there are more calls than before, add instances, or raise the limit if the dependency can take it.`,
      when: `On average, at least ${percent(SATURATED_FROM)} of the permits of a bulkhead were in use for five minutes.`,
    })
  }
  if (hasMetric(service, 'escudo_bulkhead_rejections_total')) {
    alerts.push({
      name: 'EscudoPermitsExhausted',
      severity: 'warning',
      expr: `${perSecond('escudo_bulkhead_rejections_total', selector, minutes(5), ...SHIELD_LABELS)} > 0`,
      holds: minutes(5),
      summary: `{{ $labels.job }}: shield '{{ $labels.escudo_shield }}' rejects {{ $value | humanize }} calls per second for lack of a permit`,
      description: `The bulkhead or adaptive limiter, ${POLICY}, rejects calls because all its permits are taken and its queue is full. The dependency is slower than before, or there are more calls. Look at "Attempt latency by dependency" and at "Requests".`,
      when: 'A bulkhead or an adaptive limiter rejected calls for five minutes.',
    })
  }
  if (hasMetric(service, 'escudo_rate_limiter_requests_total')) {
    const metric = 'escudo_rate_limiter_requests_total'
    const rejected = perSecond(metric, `${selector},outcome="rejected"`, minutes(5), ...SHIELD_LABELS)
    alerts.push({
      name: 'EscudoRateLimited',
      severity: 'warning',
      expr: `${rejected} / ${perSecond(metric, selector, minutes(5), ...SHIELD_LABELS)} > ${RATE_LIMITED_FROM}`,
      holds: minutes(5),
      summary: `{{ $labels.job }}: {{ $value | humanizePercentage }} of the calls of shield '{{ $labels.escudo_shield }}' exceed its rate limit`,
      description: `The rate limiter or adaptive throttle, ${POLICY}, rejects calls. A rate limiter rejects because there are more calls than its quota: find the caller that sends more, or agree on a higher quota. An adaptive throttle rejects because the dependency rejects or fails most calls.`,
      when: `A rate limiter or adaptive throttle rejected more than ${percent(RATE_LIMITED_FROM)} of the calls for five minutes.`,
    })
  }
  return alerts
}

function telemetryAlerts({ service: selector, minutes }: AlertParts, job: string): readonly Alert[] {
  return [
    {
      name: 'EscudoLogLinesLost',
      severity: 'warning',
      expr: `sum by (job, instance, reason) (increase(escudo_log_lines_lost_total{${selector}}[${minutes(15)}])) > 0`,
      summary: '{{ $labels.job }}: {{ $labels.instance }} loses log lines ({{ $labels.reason }})',
      description:
        'The log is incomplete, so it cannot be trusted to explain what happens now. ENOSPC: free disk space. EMFILE: the process has no free file descriptors. EPIPE and STALLED: the reader of the standard output is gone or does not read.',
      when: 'A log line was lost in the last fifteen minutes.',
    },
    {
      name: 'EscudoMetricsMissing',
      severity: 'critical',
      expr: `absent(escudo_metrics_folded_total{${selector}})`,
      holds: minutes(5),
      summary: `Prometheus gets no metrics of ${literal(job)}`,
      description: `No instance of the job ${literal(job)} answers a scrape, so none of the other alerts can fire. Check whether the service runs and serves /metrics, and whether the job has this name in the configuration of Prometheus.`,
      when: 'Prometheus got no metrics of the service for five minutes.',
    },
  ]
}

function percent(share: number): string {
  return `${share * 100} %`
}
