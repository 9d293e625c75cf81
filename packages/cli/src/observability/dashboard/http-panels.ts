import { p99, perSecond } from '../promql.ts'
import { one, type PanelRow, RANGE, SERVICE } from './panel.ts'

/** What to look at first. */
export const OVERVIEW: readonly PanelRow[] = [
  {
    title: 'Requests',
    question: 'How much work does the service get?',
    unit: 'perSecond',
    queries: one(perSecond('http_server_request_duration_seconds_count', SERVICE, RANGE), 'requests'),
  },
  {
    title: 'Technical errors',
    question:
      'Which share of the requests fails because of the service or its dependencies? It uses up the error budget.',
    unit: 'share',
    queries: one(
      `(${perSecond('escudo_http_errors_total', `${SERVICE},error_kind="technical"`, RANGE)} or vector(0)) / ${perSecond('http_server_request_duration_seconds_count', SERVICE, RANGE)}`,
      'technical errors',
    ),
  },
  {
    title: 'Latency, 99th percentile',
    question: 'How long does the slowest percent of the clients wait?',
    unit: 'seconds',
    queries: one(p99('http_server_request_duration_seconds', SERVICE, RANGE), 'p99'),
  },
  {
    title: 'Requests in progress',
    question: 'Do requests pile up? A number that only grows means that they do not end.',
    unit: 'count',
    queries: one(`sum (http_server_active_requests{${SERVICE}})`, 'in progress'),
  },
]

/** The requests of clients, and the attempts to call dependencies. */
export const HTTP: readonly PanelRow[] = [
  {
    title: 'Requests by route',
    question: 'Which route gets the requests? The series without a route are requests that matched none.',
    unit: 'perSecond',
    queries: one(
      perSecond('http_server_request_duration_seconds_count', SERVICE, RANGE, 'http_route'),
      '{{http_route}}',
    ),
  },
  {
    title: 'Latency by route, 99th percentile',
    question: 'Which route is slow?',
    unit: 'seconds',
    queries: one(p99('http_server_request_duration_seconds', SERVICE, RANGE, 'http_route'), '{{http_route}}'),
  },
  {
    title: 'Error answers by code',
    question: 'Which errors do clients get, and can they act (business) or must the team of the service (technical)?',
    unit: 'perSecond',
    queries: one(
      perSecond('escudo_http_errors_total', SERVICE, RANGE, 'error_code', 'error_kind'),
      '{{error_code}} ({{error_kind}})',
    ),
  },
  {
    title: 'Attempts by dependency',
    question: 'How much load does the service put on each dependency, retries included?',
    unit: 'perSecond',
    queries: one(
      perSecond('http_client_request_duration_seconds_count', SERVICE, RANGE, 'server_address', 'server_port'),
      '{{server_address}}:{{server_port}}',
    ),
  },
  {
    title: 'Failed attempts by dependency',
    question: 'Which dependency fails, and how: a status, or no answer at all?',
    unit: 'perSecond',
    queries: one(
      perSecond(
        'http_client_request_duration_seconds_count',
        `${SERVICE},error_type!=""`,
        RANGE,
        'server_address',
        'server_port',
        'error_type',
      ),
      '{{server_address}}:{{server_port}} {{error_type}}',
    ),
  },
  {
    title: 'Attempt latency by dependency, 99th percentile',
    question: 'Which dependency is slow?',
    unit: 'seconds',
    queries: one(
      p99('http_client_request_duration_seconds', SERVICE, RANGE, 'server_address', 'server_port'),
      '{{server_address}}:{{server_port}}',
    ),
  },
]
