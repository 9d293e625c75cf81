import { systemClock } from '../clock.ts'
import { type Duration, toMs } from '../options/durations.ts'
import { checkedName, knownKeys, requiredFunction } from '../options/options.ts'
import { type Ambient, withAmbient } from './ambient.ts'
import { type Carrier, carrierHeader } from './carrier.ts'
import { acceptDeadlines, inheritedLeftMs } from './inherited-deadline.ts'
import { continueTrace, formatTraceparent } from './trace-context.ts'
import { currentContext, tracer, type WorkSpan } from './tracer.ts'

/** Options of {@link withContext}. */
export interface ContextOptions {
  /** How long the work may take from now; 0 or less: not at all. Every shield inside inherits it. Default: no limit. */
  readonly deadline?: Duration
  /** The language of messages for users: `es`, `en`. Default: that of the contract. */
  readonly locale?: string
  /** Fields for every log line of this work, such as the id of a job. */
  readonly bindings?: Readonly<Record<string, unknown>>
  /** The name of its span, while `recordTraces` of `escudo/otel` records traces. Default: `work`. */
  readonly name?: string
}

/**
 * Runs a function in the context of a message, as a server adapter does for a request.
 *
 * It continues the trace in the carrier, or starts a new one. The logger, `resilientFetch` and the error contract read
 * the context, also in everything that the function starts: promises, timers, streams and event listeners. Formats: W3C
 * Trace Context and Baggage.
 *
 * @param carrier the headers of the message; `{}` or undefined for work without a message, such as a cron job. It is
 * trusted: pass nothing that a public client can choose
 * @param fn receives no argument
 * @returns what `fn` returns
 * @throws ConfigurationError for an invalid option; otherwise only what `fn` throws
 * @example
 * ```ts
 * import { contextHeaders, withContext } from 'escudo'
 *
 * // The producer attaches the context to its message.
 * const message = await withContext({}, async () => ({ headers: contextHeaders(), body: 'order 42' }))
 *
 * // The consumer continues the trace.
 * await withContext(message.headers, async () => {
 *   // log lines and outgoing requests here have the trace id of the producer
 * }, { deadline: '30s', bindings: { queue: 'orders' } })
 * ```
 */
export function withContext<T>(carrier: Carrier | undefined, fn: () => T, options: ContextOptions = {}): T {
  requiredFunction(fn, 'withContext.fn')
  knownKeys(options, 'withContext', ['deadline', 'locale', 'bindings', 'name'])
  const { deadline, locale, bindings } = options
  const name = checkedName(options.name ?? 'work', 'withContext.name')
  const trace = continueTrace({
    traceparent: carrierHeader(carrier, 'traceparent'),
    tracestate: carrierHeader(carrier, 'tracestate'),
    baggage: carrierHeader(carrier, 'baggage'),
  })
  const context: Ambient = { ...trace, locale, bindings }
  if (deadline === undefined) return inContext(name, context, fn)
  acceptDeadlines()
  const deadlineMs = systemClock.now() + toMs(deadline, 'withContext.deadline', Number.NEGATIVE_INFINITY)
  return inContext(name, { ...context, deadlineMs }, fn)
}

/** Runs `fn` in a context, and in a span that ends with it, if there is a tracer. */
function inContext<T>(name: string, context: Ambient, fn: () => T): T {
  const span = tracer?.work(name, context)
  if (span === undefined) return withAmbient(context, fn)
  let result: T
  try {
    result = withAmbient({ ...context, ...span.ids, span }, fn)
  } catch (error) {
    span.end({ error })
    throw error
  }
  // Any other thenable may be lazy: its `then` would start it. One with further properties must be returned itself.
  if (result instanceof Promise && result.constructor === Promise && Object.keys(result).length === 0)
    return ending(span, result) as T
  span.end(undefined)
  return result
}

/** The promise to return in place of `promise`, whose rejection would otherwise count as handled here. */
async function ending(span: WorkSpan, promise: Promise<unknown>): Promise<unknown> {
  try {
    const value = await promise
    span.end(undefined)
    return value
  } catch (error) {
    span.end({ error })
    throw error
  }
}

/**
 * Returns the headers that continue the current trace in another process.
 *
 * `resilientFetch` sends them by itself; attach them to a message of a queue or a worker.
 *
 * @returns `traceparent`, and where present `tracestate`, `baggage` and `x-request-timeout-ms`, the milliseconds left
 * until the deadline. Empty outside a request and outside {@link withContext}
 * @example
 * ```ts
 * import { contextHeaders, withContext } from 'escudo'
 *
 * const headers = withContext({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }, () => contextHeaders())
 * console.log(headers['traceparent']) // the same trace, with the span of this process
 * ```
 */
export function contextHeaders(): Record<string, string> {
  const context = currentContext()
  if (context === undefined) return {}
  const leftMs = inheritedLeftMs()
  const headers = {
    traceparent: formatTraceparent(context),
    tracestate: context.traceState,
    baggage: context.baggage,
    'x-request-timeout-ms': leftMs === undefined ? undefined : String(Math.max(0, Math.floor(leftMs))),
  }
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
