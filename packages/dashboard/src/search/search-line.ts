import type { LineRef } from '../journal/line-place.ts'
import { isJson } from '../lines/log-fields.ts'
import type { LogLine } from '../lines/log-line.ts'
import { routeOf } from '../lines/route-of.ts'
import type { Subject } from './matches.ts'
import { fold } from './query.ts'

/** The longest text of a found line that is sent. The line itself is at its place. */
const TEXT_MAX = 500
/** No trace has a longer id: it cannot be asked for. */
const TRACE_ID_MAX = 200
const DEPTH_MAX = 8

/** A found line as `GET /api/search` returns it. What a line does not say is null. */
export interface SearchLine {
  /** In ISO 8601. */
  readonly at: string | null
  readonly service: string
  readonly level: string | null
  readonly status: number | null
  readonly latency_ms: number | null
  readonly trace_id: string | null
  readonly event: string | null
  readonly method: string | null
  readonly path: string | null
  readonly error_code: string | null
  readonly message: string | null
  /** The path of its file. */
  readonly file: string
  /** Where it is, for `GET /api/lines/<place>`. */
  readonly place: string
}

/** Returns a line as queries see it. `service` is that of the line, or else of its file. */
export function subjectOf(line: LogLine, service: string): Subject {
  const { message, event, method, path, route, errorCode, traceId, level, status } = line
  const request = path === undefined ? undefined : `${method ?? ''} ${path}`
  const own: Readonly<Record<string, readonly unknown[]>> = {
    service: [service],
    level: [level, line.fields.first('level')],
    status: [status],
    latency: [line.latencyMs],
    trace: [traceId],
    text: [message, event, request, errorCode],
  }
  return {
    at: line.at,
    isShortened: false,
    hasText: (text) =>
      [service, level, status, message, traceId, request].some((value) => hasText(value, text, 0)) ||
      hasText(line.fields.all, text, 0),
    values: (name) => {
      if (Object.hasOwn(own, name)) return own[name] ?? []
      const logged = namedValues(line.fields.all, name)
      if (name === 'route')
        return [route, path === undefined && route === undefined ? undefined : routeOf(line), ...logged]
      if (name === 'path') return [path, ...logged]
      if (name === 'method') return [method, ...logged]
      if (name === 'code') return [errorCode, ...logged]
      return name === 'event' ? [event, ...logged] : logged
    },
  }
}

/** Returns what is sent of a found line. */
export function searchLineOf(line: LogLine, service: string, file: string, place: LineRef): SearchLine {
  return {
    at: line.at === undefined ? null : new Date(line.at).toISOString(),
    service,
    level: shortened(line.level),
    status: line.status ?? null,
    latency_ms: line.latencyMs ?? null,
    trace_id: line.traceId === undefined || line.traceId.length > TRACE_ID_MAX ? null : line.traceId,
    event: shortened(line.event),
    method: shortened(line.method),
    path: shortened(line.path ?? line.route),
    error_code: shortened(line.errorCode),
    message: shortened(line.message),
    file,
    place: place.join('-'),
  }
}

function shortened(text: string | undefined): string | null {
  if (text === undefined) return null
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 1).toWellFormed()}…` : text
}

function hasText(value: unknown, text: string, depth: number): boolean {
  if (typeof value === 'string') return fold(value).includes(text)
  if (typeof value === 'number' || typeof value === 'boolean') return fold(String(value)).includes(text)
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return false
  return Object.values(value).some((inner) => hasText(inner, text, depth + 1))
}

/** Returns the values of a field by its name in lower case, flat or nested: `res.bytes`. They are added to `found`. */
function namedValues(fields: unknown, name: string, depth: number = 0, found: unknown[] = []): readonly unknown[] {
  if (!isJson(fields) || depth > DEPTH_MAX) return found
  for (const key of Object.keys(fields)) {
    const lower = key.toLowerCase()
    const value = fields[key]
    if (lower === name) {
      // One by one: a line may have more values than a call takes arguments.
      for (const item of Array.isArray(value) ? value : [value]) if (typeof item !== 'object') found.push(item)
    } else if (name.startsWith(`${lower}.`)) namedValues(value, name.slice(lower.length + 1), depth + 1, found)
  }
  return found
}
