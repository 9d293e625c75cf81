import { p99, perSecond } from '../promql.ts'
import { fallbackShare } from '../shares.ts'
import { one, type PanelQuery, type PanelRow, RANGE, SERVICE } from './panel.ts'

const SHIELD = `${SERVICE},escudo_shield=~"$shield"`
const POLICY = ['escudo_shield', 'escudo_policy'] as const

/** The states of a breaker, with their colours. With several instances, a panel shows the last one of them. */
export const BREAKER_STATES: readonly { readonly state: string; readonly color: string }[] = [
  { state: 'closed', color: 'green' },
  { state: 'half-open', color: 'yellow' },
  { state: 'open', color: 'red' },
  { state: 'isolated', color: 'purple' },
  { state: 'disabled', color: 'text' },
]

/** What the policies of all shields do. */
export const SHIELDS: readonly PanelRow[] = [
  {
    title: 'Calls by outcome',
    question: 'How do the calls of each shield end, after all its policies?',
    unit: 'perSecond',
    needs: 'escudo_call_duration_seconds_count',
    queries: one(
      perSecond('escudo_call_duration_seconds_count', SHIELD, RANGE, 'escudo_shield', 'outcome'),
      '{{escudo_shield}} {{outcome}}',
    ),
  },
  {
    title: 'Call duration, 99th percentile',
    question: 'How long does the service wait for each shield, retries and queues included?',
    unit: 'seconds',
    needs: 'escudo_call_duration_seconds_bucket',
    queries: one(p99('escudo_call_duration_seconds', SHIELD, RANGE, 'escudo_shield'), '{{escudo_shield}}'),
  },
  {
    title: 'Circuit breakers',
    question: 'Which circuits are open, since when, and how often do they change?',
    unit: 'breakerState',
    needs: 'escudo_circuit_breaker_state',
    queries: one(breakerState(), '{{escudo_shield}} {{escudo_policy}}'),
  },
  {
    title: 'Circuit breaker calls by outcome',
    question: 'What do the breakers see, and how many calls do they reject?',
    unit: 'perSecond',
    needs: 'escudo_circuit_breaker_executions_total',
    queries: byOutcome('escudo_circuit_breaker_executions_total'),
  },
  {
    title: 'Circuit breaker state changes',
    question: 'Why did circuits open and close?',
    unit: 'count',
    needs: 'escudo_circuit_breaker_state_changes_total',
    queries: one(
      `sum by (escudo_shield, from, to, reason) (increase(escudo_circuit_breaker_state_changes_total{${SHIELD}}[${RANGE}]))`,
      '{{escudo_shield}}: {{from}} to {{to}}, {{reason}}',
    ),
  },
  {
    title: 'Attempts per call',
    question: 'How much extra load do retries cause? 1 means none.',
    unit: 'count',
    needs: 'escudo_retry_attempts_total',
    queries: one(
      `${perSecond('escudo_retry_attempts_total', SHIELD, RANGE, ...POLICY)} / ${perSecond('escudo_retry_executions_total', SHIELD, RANGE, ...POLICY)}`,
      '{{escudo_shield}} {{escudo_policy}}',
    ),
  },
  {
    title: 'Retry calls by outcome',
    question: 'Do retries help, or do the calls fail all the same?',
    unit: 'perSecond',
    needs: 'escudo_retry_executions_total',
    queries: byOutcome('escudo_retry_executions_total'),
  },
  {
    title: 'Timeout calls by outcome',
    question: 'Which dependency exceeds its time?',
    unit: 'perSecond',
    needs: 'escudo_timeout_executions_total',
    queries: byOutcome('escudo_timeout_executions_total'),
  },
  {
    title: 'Fallback share',
    question: 'Which share of the calls gets the substitute instead of the real answer?',
    unit: 'share',
    needs: 'escudo_fallback_uses_total',
    queries: (service) => {
      const expr = fallbackShare(service, SHIELD, RANGE)
      return expr === undefined ? [] : [{ expr, legend: '{{escudo_shield}}' }]
    },
  },
  {
    title: 'Bulkhead permits in use',
    question: 'How full are the bulkheads? 100 % means that calls wait or are rejected.',
    unit: 'share',
    needs: 'escudo_bulkhead_limit',
    queries: one(
      `sum by (escudo_shield, escudo_policy) (escudo_bulkhead_in_use{${SHIELD}}) / sum by (escudo_shield, escudo_policy) (escudo_bulkhead_limit{${SHIELD}})`,
      '{{escudo_shield}} {{escudo_policy}}',
    ),
  },
  {
    title: 'Bulkhead queues',
    question: 'How many calls wait for a permit?',
    unit: 'count',
    needs: 'escudo_bulkhead_queued',
    queries: one(
      `sum by (escudo_shield, escudo_policy) (escudo_bulkhead_queued{${SHIELD}})`,
      '{{escudo_shield}} {{escudo_policy}}',
    ),
  },
  {
    title: 'Bulkhead wait, 99th percentile',
    question: 'How long do the calls wait that do not get a permit at once?',
    unit: 'seconds',
    needs: 'escudo_bulkhead_wait_duration_seconds_bucket',
    queries: one(
      p99('escudo_bulkhead_wait_duration_seconds', SHIELD, RANGE, ...POLICY),
      '{{escudo_shield}} {{escudo_policy}}',
    ),
  },
  {
    title: 'Adaptive limits',
    question:
      'Which limit did the limiter find, and how much of it is in use? A falling limit means a slower dependency.',
    unit: 'count',
    needs: 'escudo_adaptive_limiter_limit',
    queries: () =>
      ['limit', 'in_use'].map((value) => ({
        expr: `sum by (escudo_shield, escudo_policy) (escudo_adaptive_limiter_${value}{${SHIELD}})`,
        legend: `{{escudo_shield}} {{escudo_policy}} ${value.replace('_', ' ')}`,
      })),
  },
  {
    title: 'Rejections for lack of a permit',
    question: 'How many calls do bulkheads and adaptive limiters reject?',
    unit: 'perSecond',
    needs: 'escudo_bulkhead_rejections_total',
    queries: one(
      perSecond('escudo_bulkhead_rejections_total', SHIELD, RANGE, ...POLICY),
      '{{escudo_shield}} {{escudo_policy}}',
    ),
  },
  {
    title: 'Rate limiter calls by outcome',
    question: 'How many calls do rate limiters and adaptive throttles delay or reject?',
    unit: 'perSecond',
    needs: 'escudo_rate_limiter_requests_total',
    queries: byOutcome('escudo_rate_limiter_requests_total'),
  },
  {
    title: 'Cache calls by outcome',
    question: 'How many calls does the cache answer, and how many answers are stale?',
    unit: 'perSecond',
    needs: 'escudo_cache_requests_total',
    queries: byOutcome('escudo_cache_requests_total'),
  },
  {
    title: 'Hedge calls by outcome',
    question: 'Do the extra attempts win, or do they only add load?',
    unit: 'perSecond',
    needs: 'escudo_hedge_executions_total',
    queries: byOutcome('escudo_hedge_executions_total'),
  },
]

function byOutcome(metric: string): () => readonly PanelQuery[] {
  return one(perSecond(metric, SHIELD, RANGE, ...POLICY, 'outcome'), '{{escudo_shield}} {{escudo_policy}} {{outcome}}')
}

/** One number for each breaker: the position of its state in {@link BREAKER_STATES}. */
function breakerState(): string {
  const states = BREAKER_STATES.slice(1).map(
    ({ state }, index) => `${index + 1} * escudo_circuit_breaker_state{${SHIELD},state="${state}"}`,
  )
  return `max by (escudo_shield, escudo_policy) (${states.join(' or ')})`
}
