import { type Context, context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { ambient } from '../../core/context/ambient.ts'
import type { TraceContext } from '../../core/context/trace-context.ts'
import type { WorkSpan } from '../../core/context/tracer.ts'
import { verdictOfError } from '../../errors/classification.ts'
import { adoptedIds, guarded, hasIds, inboundContext, isSuppressed, kindOf, OtelScope, ownIds } from './span-context.ts'
import { errorTypeOf, recordException } from './span-errors.ts'

/** Starts the span of a message or a job, or adopts that of an instrumentation for messages. */
export function startWorkSpan(tracer: Tracer, name: string, inbound: TraceContext): WorkSpan | undefined {
  const active = context.active()
  if (isSuppressed(active)) return undefined
  const outer = trace.getSpan(active)
  if (hasIds(outer) && isOfMessage(outer, inbound))
    return new OtelWorkSpan(tracer, active, outer, adoptedIds(outer, inbound), false)
  const parent = inboundContext(inbound)
  const kind = inbound.parentSpanId === undefined ? SpanKind.INTERNAL : SpanKind.CONSUMER
  const span = tracer.startSpan(name, { kind }, parent)
  // Without an SDK, the span is that of the parent, or has no ids.
  if (!hasIds(span) || span.spanContext().spanId === inbound.parentSpanId) return undefined
  return new OtelWorkSpan(tracer, trace.setSpan(parent, span), span, ownIds(span, inbound), true)
}

/**
 * Whether an active span is that of the same message. That of a request around the work is not, and neither is that of
 * the sender, if it is in this process.
 */
function isOfMessage(span: Span, { traceId, parentSpanId }: TraceContext): boolean {
  const ids = span.spanContext()
  if (ids.spanId === ambient()?.spanId || ids.spanId === parentSpanId) return false
  return ids.traceId === traceId || kindOf(span) === SpanKind.CONSUMER
}

class OtelWorkSpan extends OtelScope implements WorkSpan {
  readonly ids: TraceContext
  readonly #tracer: object
  readonly #isOwn: boolean

  constructor(tracer: object, inside: Context, span: Span, ids: TraceContext, isOwn: boolean) {
    super(inside, span)
    this.ids = ids
    this.#tracer = tracer
    this.#isOwn = isOwn
  }

  end(failure: { readonly error: unknown } | undefined): void {
    // The instrumentation records errors and ends its span.
    if (!this.#isOwn) return
    guarded(this.#tracer, () => {
      const { span } = this
      if (failure !== undefined && verdictOfError(failure.error) === 'failure') {
        recordException(span, failure.error, true)
        span.setAttribute('error.type', errorTypeOf(failure.error))
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    })
  }
}
