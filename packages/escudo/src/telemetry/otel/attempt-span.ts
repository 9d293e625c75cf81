import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Ambient } from '../../core/context/ambient.ts'
import type { AttemptSpan, SentEnd, SentRequest } from '../../core/context/tracer.ts'
import { addAddress, methodAttributes, methodName } from './http-attributes.ts'
import { guarded, hasIds, idsOf, isSuppressed, OtelScope, parentContext, sendingContext } from './span-context.ts'
import { attributeText, recordException } from './span-errors.ts'

/** Starts the span of an attempt. Returns undefined if the provider makes none, or if tracing is suppressed. */
export function startAttemptSpan(
  tracer: Tracer,
  request: SentRequest,
  here: Ambient | undefined,
): AttemptSpan | undefined {
  const parent = parentOf(here)
  if (isSuppressed(parent) || isSuppressed(context.active())) return undefined
  const { template } = request
  const name = methodName(request.method)
  const span = tracer.startSpan(
    template === undefined ? name : `${name} ${template}`,
    { kind: SpanKind.CLIENT, attributes: attributesOf(request) },
    parent,
  )
  // Without an SDK, the span is that of the parent, or has no ids.
  if (!hasIds(span) || span.spanContext().spanId === trace.getSpanContext(parent)?.spanId) return undefined
  return new OtelAttemptSpan(tracer, sendingContext(parent, span), span)
}

class OtelAttemptSpan extends OtelScope implements AttemptSpan {
  readonly ids: AttemptSpan['ids']
  readonly #tracer: object

  constructor(tracer: object, inside: Context, span: OtelScope['span']) {
    super(inside, span)
    this.ids = idsOf(span)
    this.#tracer = tracer
  }

  recordError(error: unknown): void {
    guarded(this.#tracer, () => {
      // Its stack is that of this library.
      if (this.span.isRecording()) recordException(this.span, error, false)
    })
  }

  end({ status, errorType }: SentEnd): void {
    guarded(this.#tracer, () => {
      const { span } = this
      if (!span.isRecording()) return
      if (status !== undefined) span.setAttribute('http.response.status_code', status)
      if (errorType !== undefined) span.setAttribute('error.type', errorType)
      // An attempt that its caller has cancelled, or that a hedge has overtaken, has not failed.
      if (errorType !== undefined && errorType !== 'aborted') span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    })
  }
}

function parentOf(here: Ambient | undefined): Context {
  if (here === undefined) return ROOT_CONTEXT
  if (here.span instanceof OtelScope) return here.span.context
  // A request from before the recording, which has no span: what it starts belongs to the span of its caller.
  return parentContext({ ...here, spanId: here.parentSpanId ?? here.spanId })
}

function attributesOf({ method, url, template, attempt }: SentRequest): Attributes {
  const attributes = methodAttributes(method)
  addAddress(attributes, url)
  // Without user info, query and fragment, which may hold secrets.
  if (url.hostname !== '') attributes['url.full'] = attributeText(url.origin + url.pathname)
  if (template !== undefined) attributes['url.template'] = template
  if (attempt > 1) attributes['http.request.resend_count'] = attempt - 1
  return attributes
}
