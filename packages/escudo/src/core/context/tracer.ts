import { type Ambient, ambient, type SpanScope, withAmbient } from './ambient.ts'
import type { TraceContext } from './trace-context.ts'

// The port to a tracing system. Only `escudo/otel` fills it. The parts that serve and send requests read `tracer`, which
// costs one comparison while there is none.

/** Makes spans. None of its functions throws, and neither do those of a span. */
export interface Tracer {
  /**
   * Starts the span of a request, or adopts the one that an instrumentation has started.
   *
   * @param inbound the trace of a trusted peer; without `parentSpanId` it is a new one, whose ids are not used
   * @returns undefined if nothing makes spans: escudo's own ids are used then
   */
  serve(request: ServedRequest, inbound: TraceContext): ServerSpan | undefined
  /**
   * Starts the span of work that is no request, or adopts the one that an instrumentation has started.
   *
   * @param inbound the trace of the message; without `parentSpanId` it is a new one, whose ids are not used
   * @returns undefined if nothing makes spans
   */
  work(name: string, inbound: TraceContext): WorkSpan | undefined
  /** The context in which a call starts: that of its request, or of a span of the user inside it. */
  current(): Ambient | undefined
  /**
   * Starts the span of one attempt.
   *
   * @param context the context in which its call started
   * @returns undefined if nothing makes spans here
   */
  send(request: SentRequest, context: Ambient | undefined): AttemptSpan | undefined
  /** Runs code, and everything that it starts, without spans. */
  untraced<R>(body: () => R): R
}

/** The request of a server adapter, for its span. */
export interface ServedRequest {
  readonly method: string
  /** Without query. */
  readonly path: string
  readonly host: string | undefined
  readonly isEncrypted: boolean
}

/** One attempt, for its span. */
export interface SentRequest {
  readonly method: string
  readonly url: URL
  /** The path with names in place of values. */
  readonly template: string | undefined
  /** 1 for the first attempt. */
  readonly attempt: number
}

/** How the span of a served request ends: see `ServerRequestEnd`. */
export interface ServedEnd {
  readonly status: number
  readonly route: string | null
  readonly errorCode: string | undefined
}

/** How the span of an attempt ends: see `ClientRequestEnd`. */
export interface SentEnd {
  readonly status: number | undefined
  readonly errorType: string | undefined
}

/** The span of a served request. */
export interface ServerSpan extends SpanScope {
  readonly ids: TraceContext
  /** Records an error that the service's team must act on. */
  recordError(error: unknown): void
  /** Ends the span; one that was adopted is only completed. */
  end(end: ServedEnd): void
}

/** The span of work that is no request. */
export interface WorkSpan extends SpanScope {
  readonly ids: TraceContext
  /** Ends the span. An error that the service's team must act on is recorded. */
  end(failure: { readonly error: unknown } | undefined): void
}

/** The span of an attempt. */
export interface AttemptSpan extends SpanScope {
  readonly ids: Pick<TraceContext, 'traceId' | 'spanId' | 'traceFlags'>
  /** Records the error of an attempt without a complete answer. */
  recordError(error: unknown): void
  end(end: SentEnd): void
}

/** Undefined while nothing traces. */
export let tracer: Tracer | undefined

export function setTracer(next: Tracer | undefined): void {
  tracer = next
}

/** The context for work that starts now and may go on in the context of another request. */
export function currentContext(): Ambient | undefined {
  return tracer === undefined ? ambient() : tracer.current()
}

/** Runs code outside any request and without spans: telemetry that sends its data is no work of the service. */
export function untraced<R>(body: () => R): R {
  return withAmbient(undefined, () => (tracer === undefined ? body() : tracer.untraced(body)))
}
