import type { Ambient } from '../../core/context/ambient.ts'
import { currentCall } from '../../core/context/current-call.ts'
import { formatTraceparent, newSpanId } from '../../core/context/trace-context.ts'
import type { Call } from '../../core/engine/call.ts'
import { callOfSignal, msLeft } from '../../core/engine/signal-deadline.ts'
import type { Propagation } from './propagation.ts'

/** What the headers of all attempts of a request depend on. */
export interface HeaderSource {
  /** The caller's headers, if there are any. They always win. */
  readonly headers: Headers | undefined
  /** The caller's signal. It may belong to a call of a shield around this client. */
  readonly signal: AbortSignal | undefined
  readonly context: Ambient | undefined
  readonly url: URL
  /** Whether headers can be kept from redirects to other origins. */
  readonly canConfine: boolean
}

/** The headers of one attempt. */
export interface AttemptHeaders {
  readonly headers: Headers
  /** Whether they contain a value that must not leave the client's own origin. */
  readonly confined: boolean
}

/**
 * Returns the headers of one attempt.
 *
 * The attempt adds the trace context, with a new child span; the time left until the earliest deadline in force; and,
 * from the second attempt on, its number.
 */
export function attemptHeaders(
  source: HeaderSource,
  call: Call,
  propagation: Propagation,
  deadlineHeader: string | undefined,
): AttemptHeaders {
  const headers = new Headers(source.headers)
  const confined = addContext(headers, source, propagation)
  // A shield around this client counts too. It is known by the signal, or inside a function that it has wrapped.
  const outer = callOfSignal(source.signal)
  const wrapper = currentCall()
  if (deadlineHeader !== undefined) {
    const leftMs = Math.min(msLeft(call), msLeft(outer), msLeft(wrapper))
    if (leftMs !== Number.POSITIVE_INFINITY) add(headers, deadlineHeader, String(Math.max(1, Math.floor(leftMs))))
  }
  const attempt = Math.max(call.attempt, outer?.attempt ?? 1, wrapper?.attempt ?? 1)
  if (attempt > 1) add(headers, 'x-retry-attempt', String(attempt))
  return { headers, confined }
}

/** Adds the trace context. Returns whether it added a value that must not leave the client's own origin. */
function addContext(headers: Headers, { context, url, canConfine }: HeaderSource, propagation: Propagation): boolean {
  if (context === undefined || headers.has('traceparent')) return false
  const { traceId, traceFlags, traceState, baggage } = context
  // A `tracestate` without its `traceparent` has no meaning.
  if (propagation.traceparent) {
    add(headers, 'traceparent', formatTraceparent({ traceId, spanId: newSpanId(), traceFlags }))
  }
  if ((traceState === undefined && baggage === undefined) || !canConfine || !propagation.isOwn(url.origin)) return false
  let confined = false
  if (propagation.traceparent && propagation.tracestate) confined = add(headers, 'tracestate', traceState)
  if (propagation.baggage) confined = add(headers, 'baggage', baggage) || confined
  return confined
}

/** Adds a header unless the caller has set it. Returns whether it was added. */
function add(headers: Headers, name: string, value: string | undefined): boolean {
  if (value === undefined || headers.has(name)) return false
  try {
    headers.set(name, value)
    return true
  } catch {
    // An inbound value may hold bytes that a header must not contain. The call goes on without that header.
    return false
  }
}
