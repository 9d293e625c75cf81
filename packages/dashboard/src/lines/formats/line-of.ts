import { bounded, UnitJudge, type UnitRule } from '../durations/unit-judge.ts'
import { BARE_NAMES, MS_PER, UNIT_BY_NAME, type Unit, writtenMs } from '../durations/units.ts'
import {
  clipped,
  Fields,
  idOf,
  integerBetween,
  isJson,
  type Json,
  numberOf,
  serviceName,
  statusOf,
  text,
} from '../log-fields.ts'
import { levelOf } from '../log-level.ts'
import type { LogLine } from '../log-line.ts'
import { type Instant, instantOf } from '../log-time.ts'
import { FIELD_NAMES, FieldIndexes, type FieldReader } from './field-index.ts'
import { CONTAINERS } from './general-names.ts'
import type { JsonFormat, SeenInFile } from './json-format.ts'
import { dig, type FieldName, firstOf, type Names, type Path, paths } from './paths.ts'
import { methodOf, pathOf, requestLineOf } from './request-text.ts'

/** What was declared on the command line. */
export interface Declared {
  /** The name of a format; undefined to recognise it. */
  readonly format?: string
  readonly names: Names
  readonly latency?: { readonly path: Path; readonly unit: Unit }
}

/** What a reader knows of its file when it reads a line. */
export interface FileContext extends SeenInFile {
  readonly declared: Declared
  readonly judge: UnitJudge
  readonly indexes: FieldIndexes
  readonly readers: readonly FieldReader[]
  /** When the file was last changed, for dates without a year. */
  writtenAt: number
}

/** What is known of a file before its first line. */
export function fileContext(declared: Declared): FileContext {
  const context: FileContext = {
    declared,
    judge: new UnitJudge(),
    indexes: new FieldIndexes(declared.names),
    readers: FIELD_NAMES.map((name) =>
      name === 'time' ? (value: unknown) => instantOf(value, context.writtenAt) : READERS[name],
    ),
    writtenAt: Date.now(),
    hasRequestEvents: false,
    hasSerilogRequests: false,
    w3c: undefined,
  }
  return context
}

const READERS: Readonly<Record<Exclude<FieldName, 'time'>, FieldReader>> = {
  level: (value) => (typeof value === 'string' || typeof value === 'number' ? value : undefined),
  service: serviceName,
  message: text,
  trace: traceOf,
  span: idOf,
  parent: idOf,
  status: statusOf,
  method: methodOf,
  route: text,
  path: pathOf,
  pid: pidOf,
  code: text,
}

/** What the readers return, in the order of the canonical fields. */
type Found = readonly [
  time: Instant | undefined,
  level: string | number | undefined,
  service: string | undefined,
  message: string | undefined,
  trace: string | undefined,
  span: string | undefined,
  parent: string | undefined,
  status: number | undefined,
  method: string | undefined,
  route: string | undefined,
  path: string | undefined,
  pid: number | undefined,
  code: string | undefined,
]

/** The event of the lines that count a request, in escudo's format. */
export const REQUEST_EVENT = 'http.request'

/** Events that are about a request or a policy, but do not count a request. */
export const OWN_EVENTS: RegExp =
  /^(?:http_error|timeout|fallback|hedge|(?:retry|circuit_breaker|bulkhead|rate_limiter|service|policy)\.\w+)$/
const INNER_DURATIONS: readonly string[] = ['http', 'request', 'response', 'res', 'req', 'event', 'timing', 'metrics']
const BARE_RULES: Readonly<Record<string, UnitRule>> = {
  responseTime: { unit: 'ms', confidence: 'certain' },
  request_time: { unit: 's', confidence: 'likely' },
}
/** Processes are remembered by it. */
const INSTANCE_CHARACTERS_MAX = 200
const TRACE_PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-/
const REQUEST = paths('request', 'httpRequest', 'request_line', 'requestLine')
const EVENT = paths('event', 'event.name', 'eventName')
const HOST = paths('hostname', 'host.name', 'host', '_hostname', '_HOSTNAME')

/** Turns the fields of one line into its canonical form. */
export function lineOf(json: Json, format: JsonFormat, context: FileContext): LogLine {
  const fields = widened(json)
  const found = context.indexes.of(format).collect(fields, context.readers) as Found
  const [time, level, service, messageText, trace, span, parentSpan, status, methodName, route, pathText, pid, code] =
    found
  const eventText = firstOf(fields, EVENT, text)
  const isOwnEvent = eventText !== undefined && (eventText === REQUEST_EVENT || OWN_EVENTS.test(eventText))
  const event = format.eventIsMessage && !isOwnEvent ? undefined : eventText
  const message = messageText ?? (event === undefined ? eventText : undefined)
  const request = status === undefined ? undefined : firstOf(fields, REQUEST, requestLineOf)
  const method = methodName ?? request?.method
  const path = pathText ?? request?.path
  const latencyMs = latencyOf(fields, format, context)
  const isRequest =
    event === REQUEST_EVENT ||
    (status !== undefined &&
      !isOwnEvent &&
      (format.isRequest?.(fields, context) ?? true) &&
      isPlausible(format, event, context, latencyMs !== undefined, method !== undefined || path !== undefined))
  const parent = TRACE_PARENT.exec(text(fields['traceparent']) ?? '')
  return {
    format: format.name,
    at: time?.at,
    isLocalTime: time?.isLocal ?? false,
    level: levelOf(level, format.levels),
    service,
    instance: instanceOf(fields, pid),
    pid,
    event,
    message,
    traceId: trace ?? parent?.[1],
    spanId: span,
    parentSpanId: parentSpan ?? parent?.[2],
    isRequest,
    method,
    route,
    path,
    status,
    latencyMs,
    errorCode: code,
    errorKind: text(fields['error_kind']),
    degraded: fields['degraded'] === true,
    fields: new Fields(fields),
  }
}

/** In doubt whether a status is about a request that this service answered, more than the status is needed. */
function isPlausible(
  format: JsonFormat,
  event: string | undefined,
  context: FileContext,
  hasLatency: boolean,
  hasTarget: boolean,
): boolean {
  if (format.name !== 'json') return true
  if (context.hasRequestEvents) return event === undefined && hasTarget
  return event === undefined || hasLatency || hasTarget
}

/** Adds the fields of a logger's container, such as `context` or `meta`, to those of the line. */
function widened(json: Json): Json {
  if (json['status'] !== undefined || json['status_code'] !== undefined) return json
  for (const name of CONTAINERS) {
    const inner = json[name]
    if (isJson(inner)) return { ...inner, ...json }
  }
  return json
}

function latencyOf(fields: Json, format: JsonFormat, context: FileContext): number | undefined {
  const { declared, judge } = context
  if (declared.latency !== undefined) {
    const value = dig(fields, declared.latency.path)
    if (value !== undefined) return durationOf(value, declared.latency.unit)
  }
  if (format.latency !== undefined) {
    for (const path of format.latency.paths) {
      const value = dig(fields, path)
      if (value !== undefined) return judged(value, format, path.flat, format.latency.rule, judge)
    }
  }
  return namedDuration(fields) ?? innerDuration(fields) ?? bareDuration(fields, format, context)
}

/** A duration whose name tells its unit. */
function namedDuration(fields: Json): number | undefined {
  for (const key in fields) {
    const unit = UNIT_BY_NAME.get(key.charCodeAt(0) === 95 ? key.slice(1) : key)
    if (unit === undefined) continue
    const value = durationOf(fields[key], unit)
    if (value !== undefined) return value
  }
  return undefined
}

function innerDuration(fields: Json): number | undefined {
  for (const name of INNER_DURATIONS) {
    const inner = fields[name]
    const value = isJson(inner) ? namedDuration(inner) : undefined
    if (value !== undefined) return value
  }
  return undefined
}

/** A duration whose name does not tell its unit. `within` is the name of the object that holds it. */
function bareDuration(fields: Json, format: JsonFormat, context: FileContext, within?: string): number | undefined {
  const { judge, declared } = context
  for (const key in fields) {
    const name = key.charCodeAt(0) === 95 ? key.slice(1) : key
    if (!BARE_NAMES.has(name)) continue
    const isDeclared = declared.format === format.name && format.bare !== undefined
    const rule: UnitRule | undefined = isDeclared
      ? { unit: format.bare.unit, confidence: 'certain' }
      : (format.bare ?? BARE_RULES[name])
    const value = judged(fields[key], format, within === undefined ? key : `${within}.${key}`, rule, judge)
    if (value !== undefined) return value
  }
  if (within !== undefined) return undefined
  for (const name of INNER_DURATIONS) {
    const inner = fields[name]
    const value = isJson(inner) ? bareDuration(inner, format, context, name) : undefined
    if (value !== undefined) return value
  }
  return undefined
}

function judged(
  value: unknown,
  format: JsonFormat,
  name: string,
  rule: UnitRule | undefined,
  judge: UnitJudge,
): number | undefined {
  const number = numberOf(value)
  if (number !== undefined) return judge.milliseconds(format.name, name, number, rule)
  return typeof value === 'string' ? boundedWritten(value) : undefined
}

function durationOf(value: unknown, unit: Unit): number | undefined {
  const number = numberOf(value)
  if (number !== undefined) return bounded(number * MS_PER[unit])
  return typeof value === 'string' ? boundedWritten(value) : undefined
}

function boundedWritten(value: string): number | undefined {
  const ms = writtenMs(value)
  return ms === undefined ? undefined : bounded(ms)
}

/** A trace id, also within the notation of a cloud: `projects/shop/traces/<id>`, `Root=1-5833-36d2`. */
function traceOf(value: unknown): string | undefined {
  const id = idOf(value)
  if (id === undefined || id.length > 200 || /\s/.test(id) || /^0+$/.test(id)) return undefined
  if (id.startsWith('projects/')) return id.slice(id.lastIndexOf('/') + 1)
  return /^Root=([^;]+)/.exec(id)?.[1] ?? id
}

/** A process id, also one that is written as text. */
export function pidOf(value: unknown): number | undefined {
  return integerBetween(numberOf(value), 0, 0xffff_ffff)
}

/** Identifies the process: its `instance` with the pid, or host and pid. Without the pid, a restart would go unseen. */
export function instanceOf(fields: Json, pid: number | undefined): string | undefined {
  const instance = fields['instance']
  if (instance === undefined && pid === undefined) return undefined
  const parts = isJson(instance)
    ? [
        text(instance['name']) ?? idOf(instance['host']),
        idOf(instance['pid']) ?? idOf(pid),
        idOf(instance['started_at']),
      ]
    : [text(instance) ?? firstOf(fields, HOST, text), idOf(pid)]
  const id = parts.filter((part) => part !== undefined).join('/')
  if (id === '') return undefined
  return id.length > INSTANCE_CHARACTERS_MAX ? clipped(id, INSTANCE_CHARACTERS_MAX) : id
}
