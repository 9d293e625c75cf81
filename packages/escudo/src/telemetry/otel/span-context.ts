import {
  type Context,
  context,
  createContextKey,
  createTraceState,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace,
} from '@opentelemetry/api'
import { type Ambient, ambient, type SpanScope } from '../../core/context/ambient.ts'
import type { TraceContext } from '../../core/context/trace-context.ts'
import { reportOnce } from '../../core/events/events.ts'

// Keys of the SDK and of instrumentations. The API creates them by name, so they are the same in every package.
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')
const RPC_METADATA = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA')

/** What an HTTP instrumentation keeps for the request that it has started a span for. */
export interface RpcMetadata {
  readonly span: Span
  route?: string
}

/** A span with the context in which it is the active one. */
export class OtelScope implements SpanScope {
  readonly context: Context
  readonly span: Span

  constructor(inside: Context, span: Span) {
    this.context = inside
    this.span = span
  }

  run<R>(body: () => R): R {
    return context.with(this.context, body)
  }
}

/** Whether a span has ids. One that is not recorded may have none, as without an SDK. */
export function hasIds(span: Span | undefined): span is Span {
  return span !== undefined && trace.isSpanContextValid(span.spanContext())
}

export function isSuppressed(inside: Context): boolean {
  return inside.getValue(SUPPRESS_TRACING) === true
}

/** The context in which the SDK, instrumentations and escudo make no spans. */
export function suppressedContext(inside: Context): Context {
  return inside.setValue(SUPPRESS_TRACING, true)
}

/**
 * The context in which an attempt is sent. The span is active there, and instrumentations of `fetch`, undici and
 * `node:http` make no span and send no headers: this request has both already.
 */
export function sendingContext(parent: Context, span: Span): Context {
  const inside = suppressedContext(trace.setSpan(parent, span))
  // A `fetch` may serve the request in this process. That request has another span.
  return inside.getValue(RPC_METADATA) === undefined ? inside : inside.deleteValue(RPC_METADATA)
}

export function rpcMetadata(inside: Context): RpcMetadata | undefined {
  return inside.getValue(RPC_METADATA) as RpcMetadata | undefined
}

/** The context with the span of another process, or of escudo, as parent of the next span. */
export function parentContext(ids: Pick<TraceContext, 'traceId' | 'spanId' | 'traceFlags' | 'traceState'>): Context {
  const { traceId, spanId, traceFlags, traceState } = ids
  const parent: SpanContext = { traceId, spanId, traceFlags, isRemote: true }
  if (traceState !== undefined) parent.traceState = createTraceState(traceState)
  return trace.setSpanContext(ROOT_CONTEXT, parent)
}

/** The context that an inbound trace starts: its span as parent, and its baggage. */
export function inboundContext(inbound: TraceContext): Context {
  const { traceId, parentSpanId, traceFlags, traceState, baggage } = inbound
  if (parentSpanId === undefined) return ROOT_CONTEXT
  const parent = parentContext({ traceId, spanId: parentSpanId, traceFlags, traceState })
  if (baggage === undefined) return parent
  const entries = propagation.getBaggage(propagation.extract(ROOT_CONTEXT, { baggage }))
  return entries === undefined ? parent : propagation.setBaggage(parent, entries)
}

/** The ids of a span, as escudo sends and logs them. */
export function idsOf(span: Span): Pick<TraceContext, 'traceId' | 'spanId' | 'traceFlags' | 'traceState'> {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  return { traceId, spanId, traceFlags, traceState: traceState?.serialize() }
}

/** The ids of a span that escudo has started for a request or message, with what its sender has sent. */
export function ownIds(span: Span, { parentSpanId, baggage }: TraceContext): TraceContext {
  return { ...idsOf(span), parentSpanId, baggage }
}

/** The same for a span that was adopted. */
export function adoptedIds(span: Span, inbound: TraceContext): TraceContext {
  const own = ownIds(span, inbound)
  // An instrumentation may continue the trace of a peer that is not trusted. Nothing else of that peer is passed on.
  return own.traceId === inbound.traceId ? own : { ...own, traceState: undefined }
}

/** The kind of a span of the SDK. The API does not show it. */
export function kindOf(span: Span | undefined): unknown {
  return (span as { readonly kind?: unknown } | undefined)?.kind
}

/**
 * The context in which a call starts: that of escudo, or one with the span that the program has made active inside it.
 * Without a context manager of OpenTelemetry there is only that of escudo.
 */
export function currentContext(): Ambient | undefined {
  const here = ambient()
  const active = context.active()
  const span = trace.getSpan(active)
  if (here !== undefined && isSuppressed(active)) return { ...here, span: scopeOf(active, here) }
  if (!hasIds(span) || span.spanContext().spanId === here?.spanId) return here
  return { ...here, ...idsOf(span), span: new OtelScope(active, span) }
}

function scopeOf(active: Context, here: Ambient): SpanScope | undefined {
  const span = trace.getSpan(active)
  return span === undefined ? here.span : new OtelScope(active, span)
}

/** The span that is active for code that runs now, if it is recorded. */
export function recordingSpan(): Span | undefined {
  const active = trace.getActiveSpan()
  if (active?.isRecording()) return active
  const scope = ambient()?.span
  return scope instanceof OtelScope && scope.span.isRecording() ? scope.span : undefined
}

/** Runs code that calls a provider. An error in it is reported once, and affects no request. */
export function guarded<R>(provider: object, body: () => R): R | undefined {
  try {
    return body()
  } catch (error) {
    reportOnce(provider, error, 'an OpenTelemetry provider')
    return undefined
  }
}
