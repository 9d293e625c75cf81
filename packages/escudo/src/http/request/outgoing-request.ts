import type { Ambient } from '../../core/context/ambient.ts'
import { currentContext } from '../../core/context/tracer.ts'
import { type Call, scopeOf } from '../../core/engine/call.ts'
import type { Idempotency } from '../../core/idempotency.ts'
import { checkedSignal } from '../../core/options/run-options.ts'
import type { ClientSettings } from '../client-settings.ts'
import type { UpstreamTarget } from '../upstream-target.ts'
import { attemptHeaders } from './attempt-headers.ts'
import { isStream } from './body-chunks.ts'
import type { BodyNotReplayableError } from './body-not-replayable-error.ts'
import { type CheckedRequest, checkedRequest } from './checked-request.ts'
import { IDEMPOTENCY_KEY, idempotencyOfRequest, isIdempotent } from './methods.ts'
import { hasHeader, type PlainHeaders, plainHeaders } from './plain-headers.ts'
import { RequestBody } from './request-body.ts'
import { readInit } from './request-init.ts'
import { Upload } from './upload.ts'

type Input = Parameters<typeof fetch>[0]

/** The arguments of `fetch` for one attempt. */
export interface AttemptRequest {
  readonly input: Request | string | URL
  readonly init: RequestInit & { readonly headers: Headers | PlainHeaders }
  /** Whether the headers contain a value that must not follow a redirect to another origin. */
  readonly confined: boolean
}

const NO_INIT: RequestInit = {}
const NO_HEADERS: PlainHeaders = {}

/** A request of the caller, read once. Every attempt is made from it. */
export class OutgoingRequest {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly target: UpstreamTarget
  /** The caller's signal. */
  declare readonly signal: AbortSignal | undefined
  /** Whether the method is idempotent (RFC 9110, 9.2.2) or the request has an `Idempotency-Key`. */
  declare readonly idempotent: boolean
  declare readonly headers: Headers | PlainHeaders
  // Read when the call starts: a later attempt may run in the context of another request.
  declare readonly context: Ambient | undefined
  declare private readonly settings: ClientSettings
  declare private input: Request | string | URL
  declare private readonly init: RequestInit
  declare private readonly checked: CheckedRequest
  /** A body that can be sent any number of times. */
  declare private readonly plainBody: RequestInit['body']
  /** A body that is a stream. */
  declare private readonly body: RequestBody | undefined

  /** @throws TypeError for what `fetch` refuses: an invalid URL, method or header, or a GET with a body */
  constructor(settings: ClientSettings, input: Input, init: RequestInit | undefined) {
    this.settings = settings
    const given = typeof input === 'string' || !(input instanceof Request) ? undefined : input
    this.input = given ?? settings.resolve(input as string | URL)
    this.init = init ?? NO_INIT
    // Not the body of a Request: see RequestBody.
    const body = this.init.body ?? (given?.body == null ? undefined : given)
    this.checked = checkedRequest(this.input, this.init, body, settings.knownOrigin)
    // The caller may change its URL later.
    if (typeof this.input === 'object' && given === undefined) this.input = this.url
    const headers = this.init.headers ?? given?.headers ?? NO_HEADERS
    // A custom `fetch` may expect Headers.
    this.headers = (settings.customFetch ? undefined : plainOf(headers)) ?? new Headers(headers)
    // As for `fetch`, null is no signal.
    const signal = this.init.signal === undefined ? given?.signal : this.init.signal
    this.signal = checkedSignal(signal ?? undefined, 'init.signal')
    const { method } = this.checked
    this.idempotent = isIdempotent(method) || hasHeader(this.headers, IDEMPOTENCY_KEY)
    if (!this.idempotent && settings.idempotencyKey !== undefined) {
      // One key for all attempts: the dependency recognises a repeated request by it.
      this.headers = new Headers(this.headers)
      this.headers.set(IDEMPOTENCY_KEY, settings.idempotencyKey())
      this.idempotent = true
    }
    this.target = {
      service: settings.name,
      method,
      origin: this.checked.origin,
      template: settings.template?.(new URL(this.url)),
    }
    this.context = currentContext()
    const streams = body !== undefined && isStream(body)
    this.plainBody = streams ? undefined : (body as RequestInit['body'])
    // A request that is sent only once needs no buffered body.
    const maxBytes = this.idempotent ? settings.retryBodyMaxBytes : undefined
    this.body = streams ? new RequestBody(body, this.target, maxBytes) : undefined
  }

  /** Few calls need more of their URL than its origin. */
  get url(): URL {
    this.checked.url ??= new URL(this.input as string)
    return this.checked.url
  }

  /** Whether a policy may send the request twice at the same time. `unsafe` also if there is no second body to send. */
  get idempotency(): Idempotency {
    return idempotencyOfRequest(this.checked.method, this.idempotent && this.body?.replayable !== false)
  }

  get canConfine(): boolean {
    const { mode, integrity } = this.checked
    // `fetch` would compare the body of a redirect with the hash, and these modes have other rules.
    return !this.#follows || ((integrity ?? '') === '' && mode !== 'no-cors' && mode !== 'same-origin')
  }

  get #follows(): boolean {
    const { redirect } = this.checked
    return redirect !== 'manual' && redirect !== 'error'
  }

  /**
   * Returns the arguments of `fetch` for one attempt. Rejects if the body cannot be sent again.
   *
   * @param attempt receives a body that must be cancelled with it
   */
  forAttempt(
    call: Call,
    lastError: unknown,
    attempt: { upload: Upload | undefined },
  ): AttemptRequest | Promise<AttemptRequest> {
    const { deadlineHeader, propagation } = this.settings
    const { method, plain } = this.checked
    const { headers, confined } = attemptHeaders(this, call, propagation, deadlineHeader)
    const init: AttemptRequest['init'] = plain
      ? { headers }
      : { ...this.init, ...readInit(this.init), method, headers, signal: null }
    // GET is the default of `fetch`, which checks any other. A custom `fetch` may read it.
    if (plain && (method !== 'GET' || this.settings.customFetch)) init.method = method
    if (this.plainBody !== undefined) init.body = this.plainBody
    const scope = scopeOf(call)
    // A call without a scope cannot be cancelled, so `fetch` needs no signal. The signal of a call leads back to the
    // call; only a custom `fetch`, which may be a resilient one, follows it.
    if (scope !== undefined) init.signal = this.settings.customFetch ? call.signal : scope.signal
    const request = { input: this.input, init, confined: confined && this.#follows }
    return this.body === undefined ? request : withStream(request, this.body, lastError, attempt)
  }

  /** Cancels a body stream that an attempt has taken and will not send. */
  abandonBody(upload: Upload | undefined, reason: unknown): void {
    this.body?.abandon(upload, reason)
  }

  /** Makes the error of an attempt whose `fetch` rejected because the caller's body stream failed; undefined otherwise. */
  bodyFailure(upload: Upload | undefined): BodyNotReplayableError | undefined {
    return upload?.failure === undefined ? undefined : this.body?.failed(upload.failure.error)
  }

  /** Cancels a body stream that was not sent. */
  releaseBody(reason?: unknown): void {
    this.body?.release(reason)
  }
}

function plainOf(headers: NonNullable<RequestInit['headers']>): PlainHeaders | undefined {
  // Most calls have none, and each attempt copies them.
  return headers === NO_HEADERS ? NO_HEADERS : plainHeaders(headers)
}

/** Adds a body that is a stream to the arguments of `fetch`. */
async function withStream(
  request: AttemptRequest,
  source: RequestBody,
  lastError: unknown,
  attempt: { upload: Upload | undefined },
): Promise<AttemptRequest> {
  const { init } = request
  const body = await source.next(lastError, init.signal ?? undefined)
  if (body instanceof Upload) {
    attempt.upload = body
    init.body = body.stream
    init.duplex = 'half'
  } else if (body !== 'input') init.body = body
  return request
}
