import type { Ambient } from '../../core/context/ambient.ts'
import { currentCall } from '../../core/context/current-call.ts'
import { formatTraceparent, newSpanId } from '../../core/context/trace-context.ts'
import type { Call } from '../../core/engine/call.ts'

/**
 * The headers of one attempt: the caller's own, which always win, and what travels with the call. That is the trace,
 * as a fresh child span for each attempt; how much time is left; and the attempt's number from the second one on.
 */
export function attemptHeaders(
  own: Headers,
  call: Call,
  context: Ambient | undefined,
  deadlineHeader: string | undefined,
): Headers {
  const headers = new Headers(own)
  if (context !== undefined && !headers.has('traceparent')) {
    const { traceId, traceFlags, traceState, baggage } = context
    add(headers, 'traceparent', formatTraceparent({ traceId, spanId: newSpanId(), traceFlags }))
    add(headers, 'tracestate', traceState)
    add(headers, 'baggage', baggage)
  }
  // Inside of a function that a shield has wrapped, its deadline and attempt are known as well.
  const outer = currentCall()
  if (deadlineHeader !== undefined) {
    const leftMs = Math.min(msLeft(call), outer === undefined ? Number.POSITIVE_INFINITY : msLeft(outer))
    if (leftMs !== Number.POSITIVE_INFINITY) add(headers, deadlineHeader, String(Math.max(1, Math.floor(leftMs))))
  }
  const attempt = Math.max(call.attempt, outer?.attempt ?? 1)
  if (attempt > 1) add(headers, 'x-retry-attempt', String(attempt))
  return headers
}

function msLeft({ deadline, clock }: Call): number {
  return deadline === undefined ? Number.POSITIVE_INFINITY : deadline - clock.now()
}

function add(headers: Headers, name: string, value: string | undefined): void {
  if (value === undefined || headers.has(name)) return
  try {
    headers.set(name, value)
  } catch {
    // What came from outside may hold bytes that no header can; a call is not worth less without it.
  }
}
