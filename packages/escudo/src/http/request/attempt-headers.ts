import type { Ambient } from '../../core/context/ambient.ts'
import { currentCall } from '../../core/context/current-call.ts'
import { formatTraceparent, newSpanId } from '../../core/context/trace-context.ts'
import type { Call } from '../../core/engine/call.ts'
import { callOfSignal, msLeft } from '../../core/engine/signal-deadline.ts'
import { addHeader, type HeaderSink, hasHeader, isPlain, type PlainHeaders } from './plain-headers.ts'
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
  readonly headers: Headers | PlainHeaders
}

/** The headers of one attempt. */
export interface AttemptHeaders {
  readonly headers: Headers | PlainHeaders
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
  // An inbound value may be no valid header, which only `Headers` checks.
  const mayBeInvalid = inboundOf(source, propagation) !== undefined
  const headers = mayBeInvalid || !isPlain(source.headers) ? new Headers(source.headers) : { ...source.headers }
  return { headers, confined: addAttemptHeaders(headers, source, call, propagation, deadlineHeader) }
}

/**
 * Adds the headers of one attempt to those of the caller: the trace context, with a new child span; the time left until
 * the earliest deadline in force; and, from the second attempt on, the attempt's number.
 *
 * @returns whether it added a value that must not leave the client's own origin
 */
export function addAttemptHeaders(
  headers: HeaderSink | PlainHeaders,
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
    if (leftMs !== Number.POSITIVE_INFINITY) addHeader(headers, deadlineHeader, String(Math.max(1, Math.floor(leftMs))))
  }
  const attempt = latestAttempt(call, outer, wrapper)
  if (attempt > 1) addHeader(headers, 'x-retry-attempt', String(attempt))
  return confined
}

/** The number of an attempt: that of the retry around this client, if there is one. */
export function attemptNumber(signal: AbortSignal | undefined, call: Call): number {
  return latestAttempt(call, callOfSignal(signal), currentCall())
}

type Numbered = Pick<Call, 'attempt'> | undefined

function latestAttempt(call: Call, outer: Numbered, wrapper: Numbered): number {
  return Math.max(call.attempt, outer?.attempt ?? 1, wrapper?.attempt ?? 1)
}

/** The context, if values of the inbound request may be sent to the origin of this request. */
function inboundOf({ context, url, canConfine }: HeaderContext, propagation: Propagation): Ambient | undefined {
  if (context === undefined || (context.traceState === undefined && context.baggage === undefined)) return undefined
  return canConfine && propagation.isOwn(url.origin) ? context : undefined
}

/** Adds the trace context. Returns whether it added a value that must not leave the client's own origin. */
function addContext(headers: HeaderSink | PlainHeaders, source: HeaderContext, propagation: Propagation): boolean {
  const { context } = source
  if (context === undefined || hasHeader(headers, 'traceparent')) return false
  const { traceId, traceFlags } = context
  const inbound = inboundOf(source, propagation)
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
