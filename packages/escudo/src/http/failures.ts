import { type ErrorFacts, FACTS, factsOf } from '../errors/error-facts.ts'
import { isFailure, isTransient, isUnavailable } from './response/status.ts'
import { UpstreamError, type UpstreamFailure, type UpstreamTarget } from './upstream-error.ts'

// The one place where what went wrong with a call becomes a typed error. `resendable` says whether the request may be
// sent a second time; where it may not, no error of it is worth a retry.

type Retry = 'safe' | 'never'

function retryOf(resendable: boolean): Retry {
  return resendable ? 'safe' : 'never'
}

/** For a response whose status is not wanted. A 4xx that is no failure is a success of the transport. */
export function statusError(
  target: UpstreamTarget,
  resendable: boolean,
  answer: { readonly status: number; readonly retryAfterMs: number | undefined; readonly body: unknown },
): UpstreamError {
  const { status } = answer
  const unavailable = isUnavailable(status)
  return new UpstreamError(unavailable ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_ERROR', 'status', target, {
    status,
    retryAfterMs: unavailable ? answer.retryAfterMs : undefined,
    body: answer.body,
    facts: {
      retry: retryOf(resendable && isTransient(status)),
      ...(isFailure(status) ? {} : { verdict: 'success' }),
    },
  })
}

/** For a `fetch` that rejected: no answer came. */
export function networkError(target: UpstreamTarget, resendable: boolean, cause: unknown): UpstreamError {
  const failure = failureOf(cause)
  const code = failure === 'timeout' ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_ERROR'
  return new UpstreamError(code, failure, target, { cause, facts: { retry: retryOf(resendable) } })
}

/** For a body that broke off after the headers had come. */
export function bodyError(target: UpstreamTarget, retry: Retry, status: number, cause: unknown): UpstreamError {
  const timedOut = failureOf(cause) === 'timeout'
  const code = timedOut ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_ERROR'
  return new UpstreamError(code, timedOut ? 'timeout' : 'body', target, { status, cause, facts: { retry } })
}

/** For a timeout of the shield. */
export function timeoutError(target: UpstreamTarget, resendable: boolean, cause: unknown): UpstreamError {
  return new UpstreamError('UPSTREAM_TIMEOUT', 'timeout', target, { cause, facts: { retry: retryOf(resendable) } })
}

/** Whether an error is the timeout of a shield. */
export function isTimeout(error: unknown): boolean {
  return factsOf(error)?.code === 'TIMEOUT'
}

/**
 * Adds to what an escudo error says of itself. A timeout's error is made by the timeout, which cannot know that the
 * request must not be sent again; policies further out read it right after the operation has heard of the cut.
 */
export function amendFacts(error: unknown, amended: Pick<ErrorFacts, 'retry' | 'verdict'>): void {
  const facts = factsOf(error)
  if (facts === undefined || !Object.isExtensible(error)) return
  Object.defineProperty(error, FACTS, { value: { ...facts, ...amended }, configurable: true })
}

const FAILURE_OF_CODE: ReadonlyMap<string, UpstreamFailure> = new Map<string, UpstreamFailure>([
  ['ECONNREFUSED', 'refused'],
  // What Bun and Deno say.
  ['ConnectionRefused', 'refused'],
  ['ENOTFOUND', 'dns'],
  ['EAI_AGAIN', 'dns'],
  ['ECONNRESET', 'reset'],
  ['ConnectionReset', 'reset'],
  ['EPIPE', 'reset'],
  ['UND_ERR_SOCKET', 'reset'],
  ['ETIMEDOUT', 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'timeout'],
])

const CAUSES_READ_MAX = 8

/** Reads the code that `fetch failed` hides in its causes. Anything else, hostile objects included, is `network`. */
function failureOf(error: unknown): UpstreamFailure {
  try {
    let current: unknown = error
    for (let depth = 0; depth < CAUSES_READ_MAX; depth += 1) {
      if (typeof current !== 'object' || current === null) break
      const { code, cause, errors } = current as { code?: unknown; cause?: unknown; errors?: unknown }
      const failure = typeof code === 'string' ? FAILURE_OF_CODE.get(code) : undefined
      if (failure !== undefined) return failure
      // Several addresses were tried: an AggregateError, whose first error stands for all.
      current = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
    }
  } catch {
    // A getter or proxy that throws tells nothing.
  }
  return 'network'
}
