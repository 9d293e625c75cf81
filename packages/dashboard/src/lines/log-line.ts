import { Fields, integerBetween, nonNegative, text } from './log-fields.ts'
import { instantOf } from './log-time.ts'

/** What a log line says, in the canonical words, whatever words it uses itself. */
export interface LogLine {
  /** Milliseconds since 1970; undefined where the line has no time that can be read. */
  readonly at: number | undefined
  /** Whether its time lacks a zone and was read as local time. */
  readonly isLocalTime: boolean
  /** Undefined where the line names none. */
  readonly service: string | undefined
  readonly event: string | undefined
  readonly traceId: string | undefined
  /** 100 to 599, else undefined. */
  readonly status: number | undefined
  /** Undefined where there is none, or none that can be. */
  readonly latencyMs: number | undefined
  /** `debug`, `info`, `warning`, `error`, `critical`, or the line's own word. */
  readonly level: string | undefined
  /** All else, looked up when it is needed. */
  readonly fields: Fields
}

/**
 * Reads one line of a JSON log; undefined for what is no JSON object. Never throws.
 *
 * The first field that is there wins: the canonical one, then the names that other loggers use.
 */
export function readLogLine(line: string): LogLine | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const fields = new Fields(value as Readonly<Record<string, unknown>>)
  const time = instantOf(fields.first('timestamp', 'time', 'ts', '@timestamp', 'timeUnixNano'))
  return {
    at: time?.at,
    isLocalTime: time?.isLocal ?? false,
    service:
      text(fields.first('service', 'service.name', 'service_name', 'app')) ?? text(fields.nested('service', 'name')),
    event: text(fields.first('event', 'event.name')),
    traceId: traceOf(fields),
    status: integerBetween(
      fields.first('status_code', 'status', 'http.response.status_code') ?? fields.nested('res', 'statusCode'),
      100,
      599,
    ),
    latencyMs: latencyOf(fields),
    level: levelOf(fields.first('log_level', 'level', 'severity')),
    fields,
  }
}

function traceOf(fields: Fields): string | undefined {
  const named = text(fields.first('trace_id', 'traceId', 'trace.id', 'dd.trace_id'))
  if (named !== undefined) return named === '' ? undefined : named
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(text(fields.first('traceparent')) ?? '')?.[1]
}

function latencyOf(fields: Fields): number | undefined {
  const ms = fields.first('latency_ms', 'responseTime', 'duration_ms', 'elapsed_ms')
  if (ms !== undefined) return nonNegative(ms)
  const seconds = nonNegative(fields.first('duration', 'request_time'))
  return seconds === undefined ? undefined : seconds * 1_000
}

function levelOf(value: unknown): string | undefined {
  if (typeof value === 'number') {
    // pino's numbers.
    if (value >= 60) return 'critical'
    if (value >= 50) return 'error'
    if (value >= 40) return 'warning'
    return value >= 30 ? 'info' : 'debug'
  }
  const level = text(value)?.toLowerCase()
  if (level === 'warn') return 'warning'
  return level === 'fatal' ? 'critical' : level
}
