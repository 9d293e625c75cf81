import type { Ambient } from '../../core/context/ambient.ts'
import { currentCall } from '../../core/context/current-call.ts'
import { formatTraceparent, newSpanId } from '../../core/context/trace-context.ts'
import type { Call } from '../../core/engine/call.ts'
import { callOfSignal, msLeft } from '../../core/engine/signal-deadline.ts'
import { addHeader, hasHeader, type PlainHeaders } from './plain-headers.ts'
import type { Propagation } from './propagation.ts'

/** What the headers of all attempts of a request depend on. */
export interface HeaderSource {
  /** The caller's headers. They always win. */
  readonly headers: Headers | PlainHeaders
  /** The caller's signal. It may belong to a call of a shield around this client. */
  readonly signal: AbortSignal | undefined
  readonly context: Ambient | undefined
  readonly url: URL
  /** Whether headers can be kept from redirects to other origins. */
  readonly canConfine: boolean
}

/** The headers of one attempt. */
export interface AttemptHeaders {
  readonly headers: Headers | PlainHeaders
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
  const inbound = inboundOf(source, propagation)
  // An inbound value may be no valid header, which only `Headers` checks.
  const headers =
    inbound !== undefined || source.headers instanceof Headers ? new Headers(source.headers) : { ...source.headers }
  const confined = addContext(headers, source.context, inbound, propagation)
  // A shield around this client counts too. It is known by the signal, or inside a function that it has wrapped.
  const outer = callOfSignal(source.signal)
  const wrapper = currentCall()
  if (deadlineHeader !== undefined) {
    const leftMs = Math.min(msLeft(call), msLeft(outer), msLeft(wrapper))
    if (leftMs !== Number.POSITIVE_INFINITY) addHeader(headers, deadlineHeader, String(Math.max(1, Math.floor(leftMs))))
  }
  const attempt = Math.max(call.attempt, outer?.attempt ?? 1, wrapper?.attempt ?? 1)
  if (attempt > 1) addHeader(headers, 'x-retry-attempt', String(attempt))
  return { headers, confined }
}

/** The context, if values of the inbound request may be sent to the origin of this request. */
function inboundOf({ context, url, canConfine }: HeaderSource, propagation: Propagation): Ambient | undefined {
  if (context === undefined || (context.traceState === undefined && context.baggage === undefined)) return undefined
  return canConfine && propagation.isOwn(url.origin) ? context : undefined
}

/** Adds the trace context. Returns whether it added a value that must not leave the client's own origin. */
function addContext(
  headers: Headers | PlainHeaders,
  context: Ambient | undefined,
  inbound: Ambient | undefined,
  propagation: Propagation,
): boolean {
  if (context === undefined || hasHeader(headers, 'traceparent')) return false
  const { traceId, traceFlags } = context
  // A `tracestate` without its `traceparent` has no meaning.
  if (propagation.traceparent) {
    addHeader(headers, 'traceparent', formatTraceparent({ traceId, spanId: newSpanId(), traceFlags }))
  }
  let confined = false
  if (propagation.traceparent && propagation.tracestate && inbound?.traceState !== undefined) {
    confined = addHeader(headers, 'tracestate', inbound.traceState)
  }
  if (propagation.baggage && inbound?.baggage !== undefined) {
    confined = addHeader(headers, 'baggage', inbound.baggage) || confined
  }
  return confined
}
