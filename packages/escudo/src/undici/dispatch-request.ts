import type { Dispatcher } from 'undici'
import type { Ambient } from '../core/context/ambient.ts'
import { type AttemptSpan, currentContext } from '../core/context/tracer.ts'
import type { Call } from '../core/engine/call.ts'
import type { Idempotency } from '../core/idempotency.ts'
import { addAttemptHeaders } from '../http/request/attempt-headers.ts'
import type { BodyNotReplayableError } from '../http/request/body-not-replayable-error.ts'
import { IDEMPOTENCY_KEY, idempotencyOfRequest, isIdempotent } from '../http/request/methods.ts'
import { traceparentOf } from '../http/request/span-header.ts'
import type { UpstreamTarget } from '../http/upstream-target.ts'
import type { DispatchClient, KnownOrigin } from './dispatch-client.ts'
import { type SingleUseBody, singleUseBody } from './request-body.ts'
import { AddedHeaders, RequestHeaders, withTraceparent } from './request-headers.ts'

/** The options of a dispatch, with those that undici's own API functions and interceptors read. */
export type RequestOptions = Dispatcher.DispatchOptions & {
  readonly signal?: unknown
  readonly maxRedirections?: number | undefined
}

/** A request of the caller, read once. Every attempt is made from it. */
export class DispatchRequest {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly client: DispatchClient
  declare readonly origin: KnownOrigin
  /** The signal that the shield watches. */
  declare readonly signal: AbortSignal | undefined
  /**
   * Whether the request may be sent again: the method is idempotent (RFC 9110, 9.2.2) or the request has an
   * `Idempotency-Key`.
   */
  declare readonly idempotent: boolean
  // Read when the call starts: a later attempt may run in the context of another request.
  declare readonly context: Ambient | undefined
  declare private readonly options: RequestOptions
  declare private readonly headers: RequestHeaders
  declare private readonly idempotencyKey: string | undefined
  declare private readonly body: SingleUseBody | undefined
  declare private readonly template: string | undefined
  declare private knownUrl: URL | undefined
  declare private knownTarget: UpstreamTarget | undefined

  constructor(client: DispatchClient, options: RequestOptions, signal: AbortSignal | undefined) {
    const { settings } = client
    this.client = client
    this.origin = client.originOf(options.origin)
    this.signal = signal
    this.context = currentContext()
    this.options = options
    this.headers = new RequestHeaders(options.headers)
    this.body = singleUseBody(options.body)
    this.knownUrl = undefined
    this.knownTarget = undefined
    const keyed = !isIdempotent(options.method) && !this.headers.has(IDEMPOTENCY_KEY)
    // One key for all attempts: the dependency recognises a repeated request by it.
    this.idempotencyKey = keyed ? settings.idempotencyKey?.() : undefined
    const mayRepeat = !keyed || this.idempotencyKey !== undefined
    this.idempotent = mayRepeat && !(client.sendsStreamsOnce && this.body !== undefined)
    this.template = settings.template?.(new URL(this.url))
  }

  /** Whether the caller's own signal has aborted. undici's API functions pass it on; `fetch` does not. */
  get callerAborted(): boolean {
    return (this.options.signal as Partial<AbortSignal> | undefined)?.aborted === true
  }

  /** The reason of the caller's own signal. */
  get callerReason(): unknown {
    return (this.options.signal as Partial<AbortSignal> | undefined)?.reason
  }

  /** Built only for telemetry and for a template. */
  get url(): URL {
    this.knownUrl ??= urlOf(this.origin.origin === '' ? 'unknown://' : this.origin.origin, this.options.path)
    return this.knownUrl
  }

  /** Built only for telemetry and for errors. */
  get target(): UpstreamTarget {
    this.knownTarget ??= {
      service: this.client.settings.name,
      method: this.options.method,
      origin: this.origin.origin,
      template: this.template,
    }
    return this.knownTarget
  }

  /** Whether a policy may send the request twice at the same time. `unsafe` also if there is no second body to send. */
  get idempotency(): Idempotency {
    return idempotencyOfRequest(this.options.method, this.idempotent && this.body === undefined)
  }

  /**
   * Returns the options of one attempt.
   *
   * @param lastError the error of the attempt before
   * @throws BodyNotReplayableError if the body was sent already and cannot be sent again
   */
  forAttempt(call: Call, lastError: unknown): Dispatcher.DispatchOptions {
    const { settings } = this.client
    const { options, body } = this
    if (body?.taken === true) throw body.notReplayable(this.target, lastError)
    const { maxRedirections } = options
    const added = new AddedHeaders(this.headers)
    const source = {
      // The caller's own signal may belong to a call of a shield around this one.
      signal: options.signal as AbortSignal | undefined,
      context: this.context,
      url: this.origin,
      canConfine: this.client.followsRedirects === false && (maxRedirections === undefined || maxRedirections === 0),
    }
    addAttemptHeaders(added, source, call, settings.propagation, settings.deadlineHeader)
    if (this.idempotencyKey !== undefined) added.list.push(IDEMPOTENCY_KEY, this.idempotencyKey)
    const attempt: Dispatcher.DispatchOptions = { ...options, headers: this.headers.with(added.list) ?? null }
    if (body !== undefined) attempt.body = body.take() as NonNullable<Dispatcher.DispatchOptions['body']>
    return attempt
  }

  /** Sends one attempt: inside its span, if it has one. */
  dispatch(
    attempt: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
    span: AttemptSpan | undefined,
  ): void {
    const { dispatch, settings } = this.client
    if (span === undefined) {
      dispatch(attempt, handler)
      return
    }
    const traceparent = traceparentOf(span, this.headers.has('traceparent'), settings.propagation)
    if (traceparent !== undefined) attempt.headers = withTraceparent(attempt.headers, traceparent) ?? null
    span.run(() => dispatch(attempt, handler))
  }

  /** The error of the request's body, if it failed itself. */
  bodyFailure(): BodyNotReplayableError | undefined {
    return this.body?.failed(this.target)
  }

  /** Cancels a body that no attempt has sent. */
  releaseBody(): void {
    this.body?.release()
  }
}

/** The URL of a request. A path of undici belongs to the origin also if it begins with two slashes. */
function urlOf(origin: string, path: string): URL {
  return new URL(/^[/]/.test(path) ? origin + path : path, origin)
}
