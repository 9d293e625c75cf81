import { retryAfterMs } from '../errors/body/retry-after.ts'
import { fetchError, statusError } from '../http/call-errors.ts'
import type { UpstreamError } from '../http/upstream-error.ts'
import type { DispatchRequest } from './dispatch-request.ts'
import { isRefusedLocally, NotSentError } from './not-sent-error.ts'

// Makes the errors of an attempt from what undici reports, by the rules of http/call-errors.ts.

/** Makes the error of an attempt without a response. */
export function attemptError(request: DispatchRequest, error: unknown): unknown {
  if (isRefusedLocally(error)) return new NotSentError(error)
  return request.bodyFailure() ?? fetchError(request, error)
}

/** Makes the error of a response with an unwanted status. */
export function responseError(
  request: DispatchRequest,
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: unknown,
): UpstreamError {
  const fields = { get: (name: string) => textOf(headers[name]) }
  return statusError(request, { status, retryAfterMs: retryAfterMs(fields, Date.now()), body })
}

function textOf(value: string | string[] | undefined): string | null {
  return Array.isArray(value) ? value.join(', ') : (value ?? null)
}
