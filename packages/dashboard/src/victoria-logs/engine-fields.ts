import { MS_PER } from '../lines/durations/units.ts'
import type { Declared } from '../lines/formats/line-of.ts'
import type { FieldName } from '../lines/formats/paths.ts'
import { quoted } from './logsql.ts'

/** The names of fields in the engine, quoted for queries. */
export interface EngineFields {
  /** The event's name: the engine keeps it as the message of a line. */
  readonly event: string
  readonly level: string
  readonly service: string
  readonly message: string
  readonly trace: string
  readonly span: string
  readonly parent: string
  readonly status: string
  readonly method: string
  readonly route: string
  readonly path: string
  readonly code: string
  readonly kind: string
  readonly latency: string
  /** What a latency is multiplied with to be in milliseconds. */
  readonly latencyFactor: number
  /** Whether the field of the latency is declared. */
  readonly isLatencyDeclared: boolean
  /** The lines that count a request. */
  readonly request: string
}

/** Returns the names of escudo's lines, or those that `--field` declares. */
export function engineFields({ names, latency }: Declared): EngineFields {
  const of = (name: FieldName, usual: string): string => quoted(names[name]?.[0]?.flat ?? usual)
  const status = of('status', 'status_code')
  return {
    event: '_msg',
    level: of('level', 'log_level'),
    service: of('service', 'service'),
    message: of('message', 'detail'),
    trace: of('trace', 'trace_id'),
    span: of('span', 'span_id'),
    parent: of('parent', 'parent_span_id'),
    status,
    method: of('method', 'method'),
    route: of('route', 'route'),
    path: of('path', 'path'),
    code: of('code', 'error_code'),
    kind: quoted('error_kind'),
    latency: quoted(latency?.path.flat ?? 'latency_ms'),
    latencyFactor: latency === undefined ? 1 : MS_PER[latency.unit],
    isLatencyDeclared: latency !== undefined,
    request: names.status === undefined ? '(_msg:="http.request" or event:="http.request")' : `${status}:*`,
  }
}
