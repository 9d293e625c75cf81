import { Fields, idOf, type Json, numberOf, serviceName, statusOf, text } from '../log-fields.ts'
import { levelOf } from '../log-level.ts'
import type { LogLine } from '../log-line.ts'
import { instantOf } from '../log-time.ts'
import { type FileContext, instanceOf, OWN_EVENTS, pidOf, REQUEST_EVENT } from './line-of.ts'

/** Whether a line is in escudo's own format. It is read by its exact names, which is several times faster. */
export function isEscudoLine(json: Json): boolean {
  const event = json['event']
  if (typeof event !== 'string' || typeof json['timestamp'] !== 'string') return false
  return typeof json['log_level'] === 'string' || (event === REQUEST_EVENT && typeof json['status_code'] === 'number')
}

/** Reads a line of escudo's format. */
export function escudoLine(json: Json, context: FileContext): LogLine {
  const event = text(json['event'])
  const time = instantOf(json['timestamp'], context.writtenAt)
  const status = statusOf(json['status_code'])
  const latency = numberOf(json['latency_ms'])
  const latencyMs = latency !== undefined && latency >= 0 ? latency : undefined
  const pid = pidOf(json['pid'])
  // Other services log requests under other events. Beside `http.request` lines, such a line is about a request.
  const isRequest =
    event === REQUEST_EVENT ||
    (!context.hasRequestEvents && status !== undefined && latencyMs !== undefined && !OWN_EVENTS.test(event ?? ''))
  return {
    format: 'escudo',
    at: time?.at,
    isLocalTime: time?.isLocal ?? false,
    level: levelOf(json['log_level']),
    service: serviceName(json['service']),
    instance: instanceOf(json, pid),
    pid,
    event,
    message: text(json['detail']) ?? text(json['error_message']) ?? text(json['message']) ?? text(json['msg']),
    traceId: idOf(json['trace_id']),
    spanId: idOf(json['span_id']),
    parentSpanId: idOf(json['parent_span_id']),
    isRequest,
    method: text(json['method']),
    route: text(json['route']),
    path: text(json['path']),
    status,
    latencyMs,
    errorCode: text(json['error_code']),
    errorKind: text(json['error_kind']),
    degraded: json['degraded'] === true,
    fields: new Fields(json),
  }
}
