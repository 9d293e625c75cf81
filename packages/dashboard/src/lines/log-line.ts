import { Fields, integerBetween, nonNegative, text } from './log-fields.ts'
import { instantOf } from './log-time.ts'

/** A log line with canonical field names, whatever names its logger uses. */
export interface LogLine {
  /** Milliseconds since 1970; undefined when the line has no readable time. */
  readonly at: number | undefined
  /** Whether its time has no zone and was read as local time. */
  readonly isLocalTime: boolean
  /** Undefined when the line names none. */
  readonly service: string | undefined
  /** Identifies the process that wrote the line: its `instance`, or its host and pid. It changes with a restart. */
  readonly instance: string | undefined
  readonly event: string | undefined
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  /** The span that called this one. */
  readonly parentSpanId: string | undefined
  readonly route: string | undefined
  readonly path: string | undefined
  /** 100 to 599; undefined for anything else. */
  readonly status: number | undefined
  /** Undefined when it is missing or invalid. */
  readonly latencyMs: number | undefined
  /** `debug`, `info`, `warning`, `error`, `critical`, or any other level in lower case. */
  readonly level: string | undefined
  /** Whether a fallback gave the answer. */
  readonly degraded: boolean
  /** All fields, looked up only when needed. */
  readonly fields: Fields
}

/**
 * Reads one line of a JSON log. Returns undefined when it is not a JSON object. Never throws.
 *
 * The first field that exists wins: the canonical name, then the names of other loggers.
 */
export function readLogLine(line: string): LogLine | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const logged = value as Readonly<Record<string, unknown>>
  const fields = new Fields(logged)
  const time = instantOf(fields.first('timestamp', 'time', 'ts', '@timestamp', 'timeUnixNano'))
  return {
    at: time?.at,
    isLocalTime: time?.isLocal ?? false,
    service:
      text(fields.first('service', 'service.name', 'service_name', 'app')) ?? text(fields.nested('service', 'name')),
    instance: logged['instance'] === undefined && logged['pid'] === undefined ? undefined : instanceOf(fields),
    event: text(fields.first('event', 'event.name')),
    traceId: traceOf(fields),
    spanId: text(logged['span_id'] ?? logged['spanId']),
    parentSpanId: text(logged['parent_span_id'] ?? logged['parentSpanId']),
    route: text(logged['route']),
    path: text(logged['path'] ?? logged['url.path']),
    status: integerBetween(
      fields.first('status_code', 'status', 'http.response.status_code') ?? fields.nested('res', 'statusCode'),
      100,
      599,
    ),
    latencyMs: latencyOf(fields),
    level: levelOf(fields.first('log_level', 'level', 'severity')),
    degraded: logged['degraded'] === true,
    fields,
  }
}

function traceOf(fields: Fields): string | undefined {
  const named = text(fields.first('trace_id', 'traceId', 'trace.id', 'dd.trace_id'))
  if (named !== undefined) return named === '' ? undefined : named
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(text(fields.first('traceparent')) ?? '')?.[1]
}

function instanceOf(fields: Fields): string | undefined {
  const instance = fields.first('instance')
  if (typeof instance === 'string') return instance
  if (typeof instance === 'object' && instance !== null) {
    return ['host', 'pid', 'started_at'].map((name) => String(fields.nested('instance', name) ?? '')).join('/')
  }
  const pid = fields.first('pid')
  return pid === undefined ? undefined : `${String(fields.first('hostname', 'host') ?? '')}/${String(pid)}`
}

function latencyOf(fields: Fields): number | undefined {
  const ms = fields.first('latency_ms', 'responseTime', 'duration_ms', 'elapsed_ms')
  if (ms !== undefined) return nonNegative(ms)
  const seconds = nonNegative(fields.first('duration', 'request_time'))
  return seconds === undefined ? undefined : seconds * 1_000
}

function levelOf(value: unknown): string | undefined {
  if (typeof value === 'number') {
    // Numeric levels of pino.
    if (value >= 60) return 'critical'
    if (value >= 50) return 'error'
    if (value >= 40) return 'warning'
    return value >= 30 ? 'info' : 'debug'
  }
  const level = text(value)?.toLowerCase()
  if (level === 'warn') return 'warning'
  return level === 'fatal' ? 'critical' : level
}
