import { type ErrorFacts, FACTS, factsOf } from '../errors/error-facts.ts'
import { networkFailureOf } from './network-failure.ts'
import type { OutgoingRequest } from './request/outgoing-request.ts'
import { isFailure, isTransient, isUnavailable } from './response/status.ts'
import { UpstreamError } from './upstream-error.ts'

// Makes every typed error of a call. The error of a request that is not idempotent never permits a retry.

type Retry = 'safe' | 'never'
type FailedRequest = Pick<OutgoingRequest, 'target' | 'idempotent' | 'signal'>

/** Makes the error for a response with an unwanted status. */
export function statusError(
  request: FailedRequest,
  response: { readonly status: number; readonly retryAfterMs: number | undefined; readonly body: unknown },
): UpstreamError {
  const { status } = response
  const unavailable = isUnavailable(status)
  return new UpstreamError(unavailable ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_ERROR', 'status', request.target, {
    status,
    retryAfterMs: unavailable ? response.retryAfterMs : undefined,
    body: response.body,
    facts: {
      retry: isTransient(status) ? retryOf(request) : 'never',
      // Any other 4xx: the transport worked, so the policies count a success.
      ...(isFailure(status) ? {} : { verdict: 'success' }),
    },
  })
}

/** Makes the error for a `fetch` that rejected. An escudo error passes unchanged: it comes from a resilient `fetch`. */
export function fetchError(request: FailedRequest, cause: unknown): unknown {
  if (factsOf(cause) !== undefined) return cause
  const failure = networkFailureOf(cause)
  const code = failure === 'timeout' ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_ERROR'
  return new UpstreamError(code, failure, request.target, { cause, facts: { retry: retryOf(request) } })
}

/** Makes the error for a body that ended early, after the headers. */
export function bodyError(
  request: FailedRequest,
  status: number,
  cause: unknown,
  retry: Retry = retryOf(request),
): UpstreamError {
  const timedOut = networkFailureOf(cause) === 'timeout'
  const code = timedOut ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_ERROR'
  return new UpstreamError(code, timedOut ? 'timeout' : 'body', request.target, { status, cause, facts: { retry } })
}

/** Makes the error that the caller receives: only a timeout of the shield becomes `UPSTREAM_TIMEOUT`. */
export function errorForCaller(request: FailedRequest, error: unknown): unknown {
  const { signal, target } = request
  const callerAborted = signal?.aborted && signal.reason === error
  if (callerAborted || factsOf(error)?.code !== 'TIMEOUT') return error
  return new UpstreamError('UPSTREAM_TIMEOUT', 'timeout', target, {
    cause: error,
    facts: { retry: retryOf(request) },
  })
}

/**
 * Changes the facts of an escudo error in place.
 *
 * The timeout policy makes its error without knowing the request. The policies outside it read the facts only after the
 * operation was notified of the cancellation.
 */
function amendFacts(error: unknown, amended: Pick<ErrorFacts, 'retry' | 'verdict'>): void {
  const facts = factsOf(error)
  if (facts === undefined || !Object.isExtensible(error)) return
  Object.defineProperty(error, FACTS, { value: { ...facts, ...amended }, configurable: true })
}

/** The progress of an attempt that a timeout ends. */
export interface TimedOut {
  /** Whether the caller has its response. */
  readonly delivered: boolean
  /** Whether the body waits for its reader. */
  readonly waitsForReader: boolean
}

/** Changes the facts of a timeout's error: whether the call may be repeated, and whether the dependency was slow. */
export function amendTimeout(
  { signal, idempotent }: FailedRequest,
  error: unknown,
  { delivered, waitsForReader }: TimedOut,
): void {
  // A timeout outside this call comes through the caller's signal. Its operation reads the body too, so a retry of that
  // operation makes a new call. This is safe if the request is idempotent.
  const isOuter = signal?.aborted === true && signal.reason === error
  const mayRepeat = idempotent && (isOuter || !delivered)
  if (!mayRepeat) amendFacts(error, { retry: 'never' })
  // The dependency sent its data in time; the reader was too slow.
  if (!isOuter && waitsForReader) amendFacts(error, { verdict: 'ignored' })
}

function retryOf({ idempotent }: FailedRequest): Retry {
  return idempotent ? 'safe' : 'never'
}
