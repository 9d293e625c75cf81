import type { Kind } from '../../lines/kind.ts'
import { hashOf } from '../../traces/trace-filter.ts'

/** One error, from one line or several about the same request. */
export interface LoggedError {
  readonly at: number
  readonly service: string
  readonly route: string | undefined
  readonly status: number | undefined
  readonly code: string | undefined
  readonly kind: Kind
  readonly detail: string | undefined
  readonly path: string | undefined
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  /** Whether a fallback hid it from the client. */
  readonly isHidden: boolean
}

/**
 * Whether two errors are about one request.
 *
 * The same span in the same service is one request. What a fallback hid is another error than its answer.
 */
export function isSameRequest(a: LoggedError, b: LoggedError): boolean {
  return hasRequest(a) && hasRequest(b) && a.spanId === b.spanId && a.traceId === b.traceId && a.service === b.service
}

/** The ids of a request, as hashes of {@link hashOf}: with the service they tell it from all other recent ones. */
export interface RequestIds {
  readonly span: number
  readonly trace: number
}

/** The hash of no id. */
export const NO_ID: number = hashOf('')

/** Returns the ids of the request that an error is about; undefined if its lines cannot be recognised. */
export function requestOf(error: LoggedError): RequestIds | undefined {
  if (!hasRequest(error)) return undefined
  return { span: hashOf(error.spanId ?? ''), trace: error.traceId === undefined ? NO_ID : hashOf(error.traceId) }
}

function hasRequest({ spanId, isHidden }: LoggedError): boolean {
  return spanId !== undefined && !isHidden
}

/** Adds what a second line about the same request says; returns `known` if it says nothing new. */
export function joined<T extends LoggedError>(known: T, line: LoggedError): T {
  const fields = ['status', 'code', 'detail', 'route', 'path'] as const
  if (fields.every((name) => known[name] !== undefined || line[name] === undefined)) return known
  return {
    ...known,
    status: known.status ?? line.status,
    code: known.code ?? line.code,
    detail: known.detail ?? line.detail,
    route: known.route ?? line.route,
    path: known.path ?? line.path,
  }
}
