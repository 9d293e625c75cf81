import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { ambient } from '../../core/context/ambient.ts'
import type { TraceContext } from '../../core/context/trace-context.ts'
import type { ServedEnd, ServedRequest, ServerSpan } from '../../core/context/tracer.ts'
import { addAddress, methodAttributes, methodName } from './http-attributes.ts'
import {
  adoptedIds,
  guarded,
  hasIds,
  inboundContext,
  isSuppressed,
  kindOf,
  OtelScope,
  ownIds,
  type RpcMetadata,
  rpcMetadata,
} from './span-context.ts'
import { attributeText, recordException } from './span-errors.ts'

/** Starts the span of a request. Returns undefined if the provider makes none. */
export function startServerSpan(tracer: Tracer, request: ServedRequest, inbound: TraceContext): ServerSpan | undefined {
  // An instrumentation suppresses tracing for a request that it is told to ignore. Inside an attempt, it is suppressed
  // too: there the request is made without a network.
  const active = context.active()
  if (isSuppressed(active) && kindOf(trace.getSpan(active)) !== SpanKind.CLIENT) return undefined
  const parent = inboundContext(inbound)
  const name = methodName(request.method)
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes: attributesOf(request) }, parent)
  // Without an SDK, the span is that of the parent, or has no ids.
  if (!hasIds(span) || span.spanContext().spanId === inbound.parentSpanId) return undefined
  return new OwnServerSpan(tracer, trace.setSpan(parent, span), span, ownIds(span, inbound), name)
}

/**
 * Adopts the span that an instrumentation has started for a request: the one that it names in the context, or else an
 * active span of a server.
 */
export function adoptServerSpan(tracer: object, request: ServedRequest, inbound: TraceContext): ServerSpan | undefined {
  const active = context.active()
  const metadata = rpcMetadata(active)
  const span = metadata?.span ?? trace.getSpan(active)
  if (!hasIds(span)) return undefined
  // Any other span may be that of the code that called `listen`: a server keeps the context in which it was started.
  const isOfServer = metadata !== undefined || (span.isRecording() && kindOf(span) === SpanKind.SERVER)
  // A request that is made inside another one, without a network, has the other's context.
  const isOfOther = span.spanContext().spanId === ambient()?.spanId
  if (!isOfServer || isOfOther) return undefined
  return new AdoptedServerSpan(tracer, active, span, adoptedIds(span, inbound), methodName(request.method), metadata)
}

abstract class RequestSpan extends OtelScope implements ServerSpan {
  readonly ids: TraceContext
  protected readonly tracer: object
  protected readonly name: string

  constructor(tracer: object, inside: Context, span: Span, ids: TraceContext, name: string) {
    super(inside, span)
    this.ids = ids
    this.tracer = tracer
    this.name = name
  }

  recordError(error: unknown): void {
    guarded(this.tracer, () => {
      if (this.span.isRecording()) recordException(this.span, error, true)
    })
  }

  end(end: ServedEnd): void {
    guarded(this.tracer, () => {
      if (this.span.isRecording()) this.complete(end)
    })
  }

  protected abstract complete(end: ServedEnd): void

  protected setRoute(route: string | null): void {
    if (route === null) return
    this.span.setAttribute('http.route', route)
    this.span.updateName(`${this.name} ${route}`)
  }
}

class OwnServerSpan extends RequestSpan {
  protected override complete({ status, route, errorCode }: ServedEnd): void {
    const { span } = this
    this.setRoute(route)
    span.setAttribute('http.response.status_code', status)
    if (errorCode !== undefined) span.setAttribute('escudo.error.code', errorCode)
    // In the conventions, a 4xx is not an error of the server.
    if (status >= 500) {
      span.setAttribute('error.type', errorCode ?? String(status))
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    span.end()
  }
}

/** The instrumentation sets the status and ends the span. It does not know the route or the error. */
class AdoptedServerSpan extends RequestSpan {
  readonly #metadata: RpcMetadata | undefined

  constructor(
    tracer: object,
    inside: Context,
    span: Span,
    ids: TraceContext,
    name: string,
    metadata: RpcMetadata | undefined,
  ) {
    super(tracer, inside, span, ids, name)
    this.#metadata = metadata
  }

  protected override complete({ route, errorCode }: ServedEnd): void {
    if (this.#metadata?.route === undefined) {
      this.setRoute(route)
      // The instrumentation takes it for its name and its metrics.
      if (this.#metadata !== undefined && route !== null) this.#metadata.route = route
    }
    if (errorCode !== undefined) this.span.setAttribute('escudo.error.code', errorCode)
  }
}

function attributesOf({ method, path, host, isEncrypted }: ServedRequest): Attributes {
  const scheme = isEncrypted ? 'https' : 'http'
  const attributes = methodAttributes(method)
  attributes['url.path'] = attributeText(path)
  attributes['url.scheme'] = scheme
  const url = host === undefined ? undefined : urlOf(host, scheme)
  if (url !== undefined) addAddress(attributes, url)
  return attributes
}

// Most requests have the host of the request before.
let lastHost: { readonly host: string; readonly scheme: string; readonly url: URL | undefined } | undefined

function urlOf(host: string, scheme: string): URL | undefined {
  if (lastHost?.host === host && lastHost.scheme === scheme) return lastHost.url
  const text = `${scheme}://${host}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  lastHost = { host, scheme, url: url?.username === '' ? url : undefined }
  return lastHost.url
}
