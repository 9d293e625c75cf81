import { context, type Tracer as OtelTracer, type TracerProvider, trace } from '@opentelemetry/api'
import { ambient } from '../../core/context/ambient.ts'
import { setTracer, type Tracer, tracer } from '../../core/context/tracer.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import { startAttemptSpan } from './attempt-span.ts'
import { adoptServerSpan, startServerSpan } from './server-span.ts'
import { currentContext, guarded, suppressedContext } from './span-context.ts'
import { recordEvents } from './span-events.ts'
import { startWorkSpan } from './work-span.ts'

/** Options of {@link recordTraces}. */
export interface OtelTracesOptions {
  /** Default: the global provider, which the SDK sets when it starts. */
  readonly tracerProvider?: TracerProvider
}

const PATH = 'recordTraces'
const SCOPE = 'escudo'

/**
 * Records the requests of this process as spans through OpenTelemetry's tracers.
 *
 * - A server span for each request that an adapter serves. Where an instrumentation has started one already, it is
 *   adopted. Log lines and `X-Trace-ID` have its ids.
 * - A client span for each attempt of `resilientFetch` and of `escudo/undici`. The attempt sends its ids as
 *   `traceparent`. Instrumentations of `fetch`, undici and `node:http` make no second span for it.
 * - A span for what `withContext` runs, such as a message or a job.
 * - What policies do, as events on the active span: `escudo.retry.attempt`, `escudo.circuit_breaker.state_change`.
 *
 * The order does not matter: spans are recorded as soon as the SDK has started. Without an SDK there are none, and
 * escudo uses its own ids. Names and attributes follow OpenTelemetry's semantic conventions for HTTP.
 *
 * @returns a function that stops the recording. Spans that have started still end
 * @throws ConfigurationError for an invalid option, and if traces are recorded already
 * @example
 * ```ts
 * import { trace } from '@opentelemetry/api'
 * import { fallback, shield } from 'escudo'
 * import { recordTraces } from 'escudo/otel'
 *
 * const stop = recordTraces()
 * const inventory = shield('inventory', fallback({ stock: null }))
 * await trace.getTracer('shop').startActiveSpan('report', async (span) => {
 *   await inventory.run(() => Promise.reject(new Error('down'))) // the event `escudo.fallback` of this span
 *   span.end()
 * })
 * stop()
 * ```
 */
export function recordTraces(options: OtelTracesOptions = {}): () => void {
  knownKeys(options, PATH, ['tracerProvider'])
  const { tracerProvider } = options
  const currentProvider = (): TracerProvider => tracerProvider ?? trace.getTracerProvider()
  const provider = currentProvider()
  if (typeof provider?.getTracer !== 'function') {
    throw new ConfigurationError(`${PATH}.tracerProvider`, `expected a TracerProvider, got ${show(provider)}`)
  }
  if (tracer !== undefined) {
    throw new ConfigurationError(PATH, 'traces of this process are recorded already; stop that recording first')
  }
  const spans = tracersOf(currentProvider)
  const recording: Tracer = {
    serve: (request, inbound) =>
      guarded(
        provider,
        () => adoptServerSpan(provider, request, inbound) ?? startServerSpan(spans(), request, inbound),
      ),
    work: (name, inbound) => guarded(provider, () => startWorkSpan(spans(), name, inbound)),
    current: () => guarded(provider, currentContext) ?? ambient(),
    send: (request, here) => guarded(provider, () => startAttemptSpan(spans(), request, here)),
    untraced: (body) => context.with(suppressedContext(context.active()), body),
  }
  setTracer(recording)
  const stopEvents = recordEvents(provider)
  return () => {
    if (tracer !== recording) return
    setTracer(undefined)
    stopEvents()
  }
}

/**
 * Returns the tracer of the current provider. `trace.disable()` replaces the global provider, for another SDK; a tracer
 * would keep to the SDK that it was made for.
 */
function tracersOf(currentProvider: () => TracerProvider): () => OtelTracer {
  let provider = currentProvider()
  let tracer = provider.getTracer(SCOPE)
  return () => {
    const current = currentProvider()
    if (current !== provider) {
      provider = current
      tracer = current.getTracer(SCOPE)
    }
    return tracer
  }
}
