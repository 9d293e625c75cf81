import type { Kind } from '../../lines/kind.ts'

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
 * Returns a name of the request that an error is about; undefined if its other lines cannot be recognised.
 *
 * The same span in the same service is one request. What a fallback hid is another error than its answer.
 */
export function requestOf({ service, traceId, spanId, isHidden }: LoggedError): string | undefined {
  return spanId === undefined || isHidden ? undefined : `${service}\u0000${traceId ?? ''}\u0000${spanId}`
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
