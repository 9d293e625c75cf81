import { clipped, integerBetween } from '../lines/log-fields.ts'
import type { LogLine } from '../lines/log-line.ts'

/** The longest raw text of a line that is sent. */
const RAW_CHARACTERS_MAX = 16_384

/** What was recognised in a line, whatever its format is, and its text. */
export interface LineFacts {
  /** Milliseconds since 1970. */
  readonly at: number | null
  readonly service: string
  readonly level?: string
  readonly event?: string
  readonly message?: string
  readonly method?: string
  readonly path?: string
  readonly status?: number
  readonly latency_ms?: number
  readonly error_code?: string
  readonly trace_id?: string
  readonly span_id?: string
  readonly parent_span_id?: string
  /** The number of the attempt, in lines of a retry. */
  readonly attempt?: number
  /** Whether the line counts a request. */
  readonly is_request: boolean
  readonly format: string
  /** The path of its file. */
  readonly file: string
  /** The line as it is in the file. */
  readonly raw: string
}

/** A line that was read back from its file. */
export interface FoundLine {
  readonly line: LogLine
  /** The service of the line, or else of its file. */
  readonly service: string
  readonly file: string
  readonly raw: string
}

/** Returns what was recognised in a line. */
export function factsOf({ line, service, file, raw }: FoundLine): LineFacts {
  const optional = {
    level: line.level,
    event: line.event,
    message: line.message,
    method: line.method,
    path: line.path ?? line.route,
    status: line.status,
    latency_ms: line.latencyMs,
    error_code: line.errorCode,
    trace_id: line.traceId,
    span_id: line.spanId,
    parent_span_id: line.parentSpanId,
    attempt: integerBetween(line.fields.first('attempt'), 1, 1_000_000),
  }
  return {
    at: line.at ?? null,
    service,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    is_request: line.isRequest,
    format: line.format,
    file,
    raw: raw.length > RAW_CHARACTERS_MAX ? clipped(raw, RAW_CHARACTERS_MAX) : raw,
  }
}

/**
 * Returns the fields of a line as they were logged, and under canonical names what the page shows.
 *
 * A canonical name that the line has itself stays as it is.
 */
export function fieldsOf({ line, service }: Pick<FoundLine, 'line' | 'service'>): Readonly<Record<string, unknown>> {
  const logged = line.fields.all
  const canonical: Record<string, unknown> = {
    timestamp: line.at === undefined ? undefined : new Date(line.at).toISOString(),
    log_level: line.level,
    message: line.message,
    trace_id: line.traceId,
    span_id: line.spanId,
    parent_span_id: line.parentSpanId,
    method: line.method,
    route: line.route,
    path: line.path,
    status_code: line.status,
    latency_ms: line.latencyMs,
    error_code: line.errorCode,
  }
  const all: Record<string, unknown> = { ...readable(logged), service }
  if (line.format === 'escudo') return all
  for (const [name, value] of Object.entries(canonical)) {
    if (value === undefined || isUsable(name, logged[name])) continue
    // A time in another field keeps its name and its text.
    if (name !== 'message' || line.message !== logged['msg']) all[name] = value
  }
  return all
}

function isUsable(name: string, value: unknown): boolean {
  if (name === 'timestamp') return typeof value === 'string' && !Number.isNaN(Date.parse(value))
  if (name === 'status_code' || name === 'latency_ms') return typeof value === 'number'
  return typeof value === 'string'
}

/** An object nested too deeply for JSON to be written is left out: it is still in the file. */
function readable(logged: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    JSON.stringify(logged)
    return logged
  } catch {
    return Object.fromEntries(Object.entries(logged).filter(([, value]) => typeof value !== 'object'))
  }
}
