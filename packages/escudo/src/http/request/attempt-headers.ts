import type { Ambient } from '../../core/context/ambient.ts'
import { currentCall } from '../../core/context/current-call.ts'
import { formatTraceparent, newSpanId } from '../../core/context/trace-context.ts'
import type { Call } from '../../core/engine/call.ts'

/**
 * Returns the headers of one attempt.
 *
 * The caller's headers always win. The attempt adds the trace context, with a new child span; the time left until the
 * deadline; and, from the second attempt on, its number.
 */
export function attemptHeaders(
  callerHeaders: Headers,
  call: Call,
  context: Ambient | undefined,
  deadlineHeader: string | undefined,
): Headers {
  const headers = new Headers(callerHeaders)
  if (context !== undefined && !headers.has('traceparent')) {
    const { traceId, traceFlags, traceState, baggage } = context
    add(headers, 'traceparent', formatTraceparent({ traceId, spanId: newSpanId(), traceFlags }))
    add(headers, 'tracestate', traceState)
    add(headers, 'baggage', baggage)
  }
  // In a function wrapped by another shield, that shield's deadline and attempt count too.
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
    // An inbound value may hold bytes that a header must not contain. The call goes on without that header.
  }
}
