import { type Ambient, ambient } from '../../core/context/ambient.ts'
import { type Call, scopeOf } from '../../core/engine/call.ts'
import type { Idempotency } from '../../core/idempotency.ts'
import { checkedSignal } from '../../core/options/run-options.ts'
import type { ClientSettings } from '../client-settings.ts'
import type { UpstreamTarget } from '../upstream-target.ts'
import { attemptHeaders } from './attempt-headers.ts'
import { RequestBody } from './request-body.ts'

type Input = Parameters<typeof fetch>[0]

// RFC 9110, 9.2.2 and 9.2.1, without TRACE.
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
const IDEMPOTENCY_KEY = 'idempotency-key'

// The members of a RequestInit. They are read one by one because `init` may be a Request, whose getters a spread misses.
const INIT_KEYS = [
  'cache',
  'credentials',
  'integrity',
  'keepalive',
  'mode',
  'priority',
  'redirect',
  'referrer',
  'referrerPolicy',
  'dispatcher',
] as const

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
  readonly #headers: Headers
  readonly #body: RequestBody | undefined
  // Read when the call starts: a later attempt may run in the context of another request.
  readonly context: Ambient | undefined = ambient()

  /** @throws TypeError for what `fetch` refuses: an invalid URL, method or header, or a GET with a body */
  constructor(settings: ClientSettings, input: Input, init: RequestInit | undefined) {
    this.#settings = settings
    const given = input instanceof Request ? input : undefined
    this.#input = given ?? settings.resolve(input as string | URL)
    this.#init = init ?? {}
    const body = this.#init.body ?? given?.body ?? undefined
    if (given?.bodyUsed && this.#init.body == null)
      throw new TypeError('the body of this Request has already been used')
    // Runs the checks of `fetch` before any policy: a programming error must not count against the dependency. The body
    // is replaced, because a stream can be read only once.
    const checked = new Request(this.#input, { ...readInit(this.#init), ...(body === undefined ? {} : { body: '' }) })
    this.url = new URL(checked.url)
    this.#method = checked.method
    this.#headers = new Headers(this.#init.headers ?? given?.headers)
    // As for `fetch`, null is no signal.
    this.signal = checkedSignal(
      (this.#init.signal === undefined ? given?.signal : this.#init.signal) ?? undefined,
      'init.signal',
    )
    this.#addIdempotencyKey()
    this.idempotent = IDEMPOTENT_METHODS.has(this.#method) || this.#headers.has(IDEMPOTENCY_KEY)
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
    if (!this.idempotent || this.#body?.replayable === false) return 'unsafe'
    return SAFE_METHODS.has(this.#method) ? 'safe' : 'idempotent'
  }

  /** Returns the arguments of `fetch` for one attempt. Rejects if the body cannot be sent again. */
  async forAttempt(call: Call, lastError: unknown): Promise<readonly [Request | string | URL, RequestInit]> {
    const { deadlineHeader } = this.#settings
    // A call without a scope cannot be cancelled, so `fetch` needs no signal.
    const signal = scopeOf(call) === undefined ? undefined : call.signal
    const init: RequestInit = {
      ...this.#init,
      ...readInit(this.#init),
      method: this.#method,
      headers: attemptHeaders(this.#headers, call, this.context, deadlineHeader),
      signal: signal ?? null,
    }
    if (this.#body !== undefined) {
      init.body = await this.#body.next(lastError, signal)
      if (this.#body.streams) init.duplex = 'half'
    }
    return [this.#input, init]
  }

  #addIdempotencyKey(): void {
    const { idempotencyKey } = this.#settings
    if (idempotencyKey === undefined || IDEMPOTENT_METHODS.has(this.#method) || this.#headers.has(IDEMPOTENCY_KEY))
      return
    // One key for all attempts: the dependency recognises a repeated request by it.
    this.#headers.set(IDEMPOTENCY_KEY, idempotencyKey())
  }
}

function readInit(init: RequestInit): RequestInit {
  const read: Record<string, unknown> = {}
  for (const key of INIT_KEYS) {
    const value = (init as Record<string, unknown>)[key]
    if (value !== undefined) read[key] = value
  }
  const { method, headers } = init
  if (method !== undefined) read['method'] = method
  if (headers !== undefined) read['headers'] = headers
  return read as RequestInit
}
