// Setup of the tests of traces: the official SDK with its exporter in memory.
import {
  type Context,
  context,
  createContextKey,
  propagation,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { InMemorySpanExporter, type ReadableSpan, type Sampler, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import { expect, onTestFinished, vi } from 'vitest'
import { recordTraces } from '../../otel.ts'

/** A span in the form that tests compare. */
export interface TestSpan {
  readonly kind: string
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status: string
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[]
}

export interface TestSdk {
  /** The ended spans, in the order in which they ended. */
  spans(): readonly TestSpan[]
  /** The ended spans of one kind. */
  spansOf(kind: 'server' | 'client' | 'internal'): readonly TestSpan[]
  /** Ends the recording. */
  stop(): void
}

/** Starts the SDK and the recording for one test. */
export function startTraces(options: { readonly sampler?: Sampler; readonly record?: boolean } = {}): TestSdk {
  const exporter = new InMemorySpanExporter()
  const sdk = new NodeSDK({
    serviceName: 'test',
    autoDetectResources: false,
    metricReaders: [],
    logRecordProcessors: [],
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    ...(options.sampler === undefined ? {} : { sampler: options.sampler }),
  })
  sdk.start()
  const stop = options.record === false ? () => {} : recordTraces()
  onTestFinished(async () => {
    stop()
    await sdk.shutdown()
    for (const api of [trace, context, propagation]) api.disable()
  })
  const spans = () => exporter.getFinishedSpans().map(toTestSpan)
  return { spans, spansOf: (kind) => spans().filter((span) => span.kind === kind), stop }
}

function toTestSpan(span: ReadableSpan): TestSpan {
  const { traceId, spanId } = span.spanContext()
  return {
    kind: (SpanKind[span.kind] as string).toLowerCase(),
    name: span.name,
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    attributes: span.attributes,
    status: (SpanStatusCode[span.status.code] as string).toLowerCase(),
    events: span.events.map(({ name, attributes = {} }) => ({ name, attributes })),
  }
}

/** Waits until so many spans of a kind have ended. */
export async function endedSpans(sdk: TestSdk, kind: 'server' | 'client', count = 1): Promise<readonly TestSpan[]> {
  await vi.waitFor(() => expect(sdk.spansOf(kind)).toHaveLength(count))
  return sdk.spansOf(kind)
}

/** The context in which instrumentations, and escudo, make no spans. */
export function suppressed(): Context {
  return context.active().setValue(createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'), true)
}

/** Under this key, an instrumentation keeps the span and the route of a request. */
export const RPC_METADATA = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA')

/** The ids of the active span. */
export const activeIds = (): SpanContext | undefined => trace.getActiveSpan()?.spanContext()

export const TRACE_ID = 'a'.repeat(32)
export const CALLER_SPAN_ID = 'b'.repeat(16)
export const TRACEPARENT = `00-${TRACE_ID}-${CALLER_SPAN_ID}-01`
