import { kindOf } from '../lines/kind.ts'
import { clippedName, shortened } from '../lines/log-fields.ts'
import type { LogLine } from '../lines/log-line.ts'
import { routeOf } from '../lines/route-of.ts'
import { type ErrorLine, NAME_MAX, TEXT_MAX } from './error-line.ts'
import type { Journal } from './journal.ts'
import type { LinePlace } from './line-place.ts'

/** A longer route was shortened before. */
const ROUTE_MAX = 120

/** Adds an error to the journal. All lines about one failed request share an entry. `now` is the reader's clock. */
export function addError(
  journal: Journal,
  line: LogLine,
  service: string,
  at: number | undefined,
  now: number,
  place?: Pick<LinePlace, 'ref'>,
): void {
  const { fields } = line
  const isFailedRequest = line.event === 'http_error' || (line.isRequest && (line.status ?? 0) >= 400)
  const isHidden = line.event === 'fallback' && fields.first('error_type', 'error_code', 'error_message') !== undefined
  const isSevere = line.status === undefined && (line.level === 'critical' || line.level === 'error')
  if (at === undefined || (!isFailedRequest && !isSevere && !isHidden)) return
  const route = routeOf(line)
  const code = codeOf(line, isHidden, isSevere)
  const error: ErrorLine = {
    at,
    service: clippedName(service, NAME_MAX),
    route: route === undefined ? undefined : clippedName(route, ROUTE_MAX),
    status: line.status,
    code: code === undefined ? undefined : clippedName(code, NAME_MAX),
    kind: kindOf(line),
    detail: shortened(line.message ?? (isHidden ? fields.short(TEXT_MAX, 'error_message') : undefined), TEXT_MAX),
    path: isHidden ? fields.short(TEXT_MAX, 'shield') : shortened(line.path ?? line.route, TEXT_MAX),
    traceId: shortened(line.traceId, NAME_MAX),
    spanId: shortened(line.spanId, NAME_MAX),
    isHidden,
    ref: place?.ref,
  }
  journal.errorGroups.add(error, now)
  if (journal.errors.accepts(error.kind, at)) journal.errors.add(error)
}

function codeOf({ errorCode, event, fields }: LogLine, isHidden: boolean, isSevere: boolean): string | undefined {
  if (errorCode !== undefined) return errorCode
  return (isHidden ? fields.short(NAME_MAX, 'error_type') : undefined) ?? (isSevere ? event : undefined)
}
