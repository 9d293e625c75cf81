import { kindOf } from '../lines/kind.ts'
import { clipped } from '../lines/log-fields.ts'
import type { LogLine } from '../lines/log-line.ts'
import type { ErrorLine, Journal } from './journal.ts'

const TEXT_MAX = 300
const NAME_MAX = 100

/** Adds an error to the journal. All lines about one failed request share an entry. */
export function addError(journal: Journal, line: LogLine, service: string, at: number | undefined): void {
  const isFailedRequest = line.event === 'http_error' || (isRequest(line) && (line.status ?? 0) >= 400)
  const isHidden =
    line.event === 'fallback' && line.fields.first('error_type', 'error_code', 'error_message') !== undefined
  const isSevere = line.status === undefined && (line.level === 'critical' || line.level === 'error')
  if (at === undefined || (!isFailedRequest && !isSevere && !isHidden) || !journal.errors.accepts(at)) return
  const { fields } = line
  const error: ErrorLine = {
    at,
    service: clipped(service, NAME_MAX),
    status: line.status,
    code:
      fields.short(NAME_MAX, 'error_code', 'code', ...(isHidden ? ['error_type'] : [])) ??
      (isSevere ? fields.short(NAME_MAX, 'event') : undefined),
    kind: kindOf(line),
    detail: fields.short(TEXT_MAX, 'detail', 'error_message', 'message', 'msg'),
    path: fields.short(TEXT_MAX, ...(isHidden ? ['shield'] : ['path', 'route', 'url.path'])),
    traceId: line.traceId === undefined ? undefined : clipped(line.traceId, NAME_MAX),
    spanId: fields.short(NAME_MAX, 'span_id', 'spanId'),
    ...(isHidden ? { fallback: true } : {}),
  }
  const existing =
    isHidden || error.spanId === undefined ? undefined : journal.errors.items.findLast((one) => isSame(one, error))
  if (existing === undefined) journal.errors.add(error)
  else if (existing.detail === undefined) journal.errors.replace(existing, { ...existing, detail: error.detail })
}

/** Adds a line to the live tail. */
export function addTailLine(journal: Journal, line: LogLine, service: string, time: number | undefined): void {
  const at = time ?? journal.tail.items.at(-1)?.at ?? 0
  if (!journal.tail.accepts(at)) return
  const { fields } = line
  const message = fields.short(TEXT_MAX, 'detail', 'error_message', 'message', 'msg', 'body', 'error_code')
  const request = isRequest(line) ? fields.short(TEXT_MAX, 'path', 'route', 'url.path') : undefined
  const method = request === undefined ? undefined : fields.short(10, 'method')
  const shield = fields.short(NAME_MAX, 'shield')
  const [from, to] = [fields.short(20, 'from'), fields.short(20, 'to')]
  const change = from === undefined || to === undefined ? undefined : `${from} → ${to}`
  const parts = [line.event === 'http.request' ? undefined : line.event, shield, change, method, request, message]
  journal.tail.add({
    id: journal.nextTailId(),
    at,
    service: clipped(service, NAME_MAX),
    level: line.level === undefined ? undefined : clipped(line.level, 20),
    text: clipped(parts.filter((part) => part !== undefined).join(' '), TEXT_MAX),
    status: line.status,
    traceId: line.traceId === undefined ? undefined : clipped(line.traceId, NAME_MAX),
  })
}

function isRequest(line: LogLine): boolean {
  return line.event === 'http.request' || (line.event === undefined && line.status !== undefined)
}

function isSame(a: ErrorLine, b: ErrorLine): boolean {
  return a.fallback === b.fallback && a.spanId === b.spanId && a.traceId === b.traceId && a.service === b.service
}
