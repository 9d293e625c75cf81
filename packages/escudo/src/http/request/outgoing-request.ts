import { type Ambient, ambient } from '../../core/context/ambient.ts'
import { type Call, scopeOf } from '../../core/engine/call.ts'
import type { Idempotency } from '../../core/idempotency.ts'
import { checkedSignal } from '../../core/options/run-options.ts'
import type { ClientSettings } from '../client-settings.ts'
import type { UpstreamTarget } from '../upstream-target.ts'
import { attemptHeaders } from './attempt-headers.ts'
import { isStream } from './body-chunks.ts'
import type { BodyNotReplayableError } from './body-not-replayable-error.ts'
import { IDEMPOTENCY_KEY, idempotencyOfRequest, isIdempotent } from './methods.ts'
import { RequestBody } from './request-body.ts'
import { readInit } from './request-init.ts'
import { Upload } from './upload.ts'

type Input = Parameters<typeof fetch>[0]

/** The arguments of `fetch` for one attempt. */
export interface AttemptRequest {
  readonly input: Request | string | URL
  readonly init: RequestInit & { readonly headers: Headers }
  /** Whether the headers contain a value that must not follow a redirect to another origin. */
  readonly confined: boolean
}

/** A request of the caller, read once. Every attempt is made from it. */
export class OutgoingRequest {
  readonly url: URL
  readonly target: UpstreamTarget
  /** The caller's signal. */
  readonly signal: AbortSignal | undefined
  /** Whether the method is idempotent (RFC 9110, 9.2.2) or the request has an `Idempotency-Key`. */
  readonly idempotent: boolean
  readonly #settings: ClientSettings
  readonly #input: Request | string | URL
  readonly #init: RequestInit
  readonly #method: string
  /** The request without its body. Some runtimes lack some of its properties. */
  readonly #checked: Partial<Request>
  readonly headers: Headers
  readonly #body: RequestBody | undefined
  // Read when the call starts: a later attempt may run in the context of another request.
  readonly context: Ambient | undefined = ambient()

  /** @throws TypeError for what `fetch` refuses: an invalid URL, method or header, or a GET with a body */
  constructor(settings: ClientSettings, input: Input, init: RequestInit | undefined) {
    this.#settings = settings
    const given = input instanceof Request ? input : undefined
    this.#input = given ?? settings.resolve(input as string | URL)
    this.#init = init ?? {}
    // Not the body of a Request: see RequestBody.
    const body = this.#init.body ?? (given?.body == null ? undefined : given)
    if (body === given && given !== undefined && (given.bodyUsed || given.body?.locked)) {
      throw new TypeError('the body of this Request has already been used')
    }
    const checked = new Request(this.#input, { ...readInit(this.#init), ...checkedBody(body), signal: null })
    this.url = new URL(checked.url)
    this.#method = checked.method
    this.#checked = checked
    this.headers = new Headers(this.#init.headers ?? given?.headers)
    // As for `fetch`, null is no signal.
    const signal = this.#init.signal === undefined ? given?.signal : this.#init.signal
    this.signal = checkedSignal(signal ?? undefined, 'init.signal')
    this.#addIdempotencyKey()
    this.idempotent = isIdempotent(this.#method) || this.headers.has(IDEMPOTENCY_KEY)
    this.target = {
      service: settings.name,
      method: this.#method,
      origin: this.url.origin,
      template: settings.template?.(new URL(this.url)),
    }
    if (body !== undefined) {
      // A request that is sent only once needs no buffered body.
      this.#body = new RequestBody(body, this.target, this.idempotent ? settings.retryBodyMaxBytes : undefined)
    }
  }

  /** Whether a policy may send the request twice at the same time. `unsafe` also if there is no second body to send. */
  get idempotency(): Idempotency {
    return idempotencyOfRequest(this.#method, this.idempotent && this.#body?.replayable !== false)
  }

  get canConfine(): boolean {
    const { mode, integrity } = this.#checked
    // `fetch` would compare the body of a redirect with the hash, and these modes have other rules.
    return !this.#follows || ((integrity ?? '') === '' && mode !== 'no-cors' && mode !== 'same-origin')
  }

  get #follows(): boolean {
    const { redirect } = this.#checked
    return redirect !== 'manual' && redirect !== 'error'
  }

  /**
   * Returns the arguments of `fetch` for one attempt. Rejects if the body cannot be sent again.
   *
   * @param attempt receives a body that must be cancelled with it
   */
  async forAttempt(call: Call, lastError: unknown, attempt: { upload: Upload | undefined }): Promise<AttemptRequest> {
    const { deadlineHeader, propagation } = this.#settings
    // A call without a scope cannot be cancelled, so `fetch` needs no signal.
    const signal = scopeOf(call) === undefined ? undefined : call.signal
    const { headers, confined } = attemptHeaders(this, call, propagation, deadlineHeader)
    const init: RequestInit & { readonly headers: Headers } = {
      ...this.#init,
      ...readInit(this.#init),
      method: this.#method,
      headers,
      signal: signal ?? null,
    }
    if (this.#body !== undefined) {
      const body = await this.#body.next(lastError, signal)
      if (body instanceof Upload) {
        attempt.upload = body
        init.body = body.stream
        init.duplex = 'half'
      } else if (body !== 'input') init.body = body
    }
    return { input: this.#input, init, confined: confined && this.#follows }
  }

  /** Cancels a body stream that an attempt has taken and will not send. */
  abandonBody(upload: Upload | undefined, reason: unknown): void {
    this.#body?.abandon(upload, reason)
  }

  /** Makes the error of an attempt whose `fetch` rejected because the caller's body stream failed; undefined otherwise. */
  bodyFailure(upload: Upload | undefined): BodyNotReplayableError | undefined {
    return upload?.failure === undefined ? undefined : this.#body?.failed(upload.failure.error)
  }

  /** Cancels a body stream that was not sent. */
  releaseBody(reason?: unknown): void {
    this.#body?.release(reason)
  }

  #addIdempotencyKey(): void {
    const { idempotencyKey } = this.#settings
    if (idempotencyKey === undefined || isIdempotent(this.#method) || this.headers.has(IDEMPOTENCY_KEY)) return
    // One key for all attempts: the dependency recognises a repeated request by it.
    this.headers.set(IDEMPOTENCY_KEY, idempotencyKey())
  }
}

/** The members of a RequestInit with which `new Request` checks a body but does not read it. */
function checkedBody(body: NonNullable<RequestInit['body']> | Request | undefined): RequestInit | undefined {
  if (body === undefined) return undefined
  // Rejects a stream that is locked or was read.
  if (body instanceof ReadableStream) return { body, duplex: 'half' }
  // An iterable is for `fetch` a stream too, but to check it would be to read it.
  return isStream(body as NonNullable<RequestInit['body']>) && !(body instanceof Request)
    ? { body: new ReadableStream(), duplex: 'half' }
    : { body: '' }
}
