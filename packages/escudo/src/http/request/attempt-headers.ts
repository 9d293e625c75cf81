import type { Ambient } from '../../core/context/ambient.ts'
import { currentCall } from '../../core/context/current-call.ts'
import { formatTraceparent, newSpanId } from '../../core/context/trace-context.ts'
import type { Call } from '../../core/engine/call.ts'
import { callOfSignal, msLeft } from '../../core/engine/signal-deadline.ts'
import type { Propagation } from './propagation.ts'

/** What the headers that escudo adds to all attempts of a request depend on. */
export interface HeaderContext {
  /** The caller's signal. It may belong to a call of a shield around this client. */
  readonly signal: AbortSignal | undefined
  readonly context: Ambient | undefined
  readonly url: Pick<URL, 'origin'>
  /** Whether headers can be kept from redirects to other origins. */
  readonly canConfine: boolean
}

/** What the headers of all attempts of a request depend on. */
export interface HeaderSource extends HeaderContext {
  /** The caller's headers. They always win. */
  readonly headers: Headers
}

/** The headers of a request that is built. `set` throws for a value that no header may contain. */
export type HeaderSink = Pick<Headers, 'has' | 'set'>

/** The headers of one attempt. */
export interface AttemptHeaders {
  readonly headers: Headers
  /** Whether they contain a value that must not leave the client's own origin. */
  readonly confined: boolean
}

/** Returns the headers of one attempt: those of the caller, and those of {@link addAttemptHeaders}. */
export function attemptHeaders(
  source: HeaderSource,
  call: Call,
  propagation: Propagation,
  deadlineHeader: string | undefined,
): AttemptHeaders {
  const headers = new Headers(source.headers)
  return { headers, confined: addAttemptHeaders(headers, source, call, propagation, deadlineHeader) }
}

/**
 * Adds the headers of one attempt to those of the caller: the trace context, with a new child span; the time left until
 * the earliest deadline in force; and, from the second attempt on, the attempt's number.
 *
 * @returns whether it added a value that must not leave the client's own origin
 */
export function addAttemptHeaders(
  headers: HeaderSink,
  source: HeaderContext,
  call: Call,
  propagation: Propagation,
  deadlineHeader: string | undefined,
): boolean {
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
  return confined
}

/** Adds the trace context. Returns whether it added a value that must not leave the client's own origin. */
function addContext(
  headers: HeaderSink,
  { context, url, canConfine }: HeaderContext,
  propagation: Propagation,
): boolean {
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
function add(headers: HeaderSink, name: string, value: string | undefined): boolean {
  if (value === undefined || headers.has(name)) return false
  try {
    headers.set(name, value)
    return true
  } catch {
    // An inbound value may hold bytes that a header must not contain. The call goes on without that header.
    return false
  }
}
