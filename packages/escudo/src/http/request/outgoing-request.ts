import { type Ambient, ambient } from '../../core/context/ambient.ts'
import { type Call, scopeOf } from '../../core/engine/call.ts'
import type { Idempotency } from '../../core/idempotency.ts'
import type { ClientSettings } from '../client-settings.ts'
import type { UpstreamTarget } from '../upstream-error.ts'
import { attemptHeaders } from './attempt-headers.ts'
import { RequestBody } from './request-body.ts'

type Input = Parameters<typeof fetch>[0]

// Safe to send twice by their definition (RFC 9110, 9.2.2).
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
// Safe by their definition: they ask for nothing to be changed (9.2.1).
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
const IDEMPOTENCY_KEY = 'idempotency-key'

// What a RequestInit may hold. Read one by one, and not only spread: it may be a Request, whose parts are getters.
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

/** One request of the caller's, read once; every attempt is made from it. */
export class OutgoingRequest {
  readonly url: URL
  readonly target: UpstreamTarget
  /** The caller's own. */
  readonly signal: AbortSignal | undefined
  /** Whether sending it a second time is harmless. */
  readonly resendable: boolean
  readonly #settings: ClientSettings
  readonly #input: Request | string | URL
  readonly #init: RequestInit
  readonly #method: string
  readonly #headers: Headers
  readonly #body: RequestBody | undefined
  // Taken when the call begins: an attempt may run when somebody else's request has woken it.
  readonly context: Ambient | undefined = ambient()

  /** @throws TypeError for what `fetch` itself refuses: a wrong URL, method or header, a body for a GET */
  constructor(settings: ClientSettings, input: Input, init: RequestInit | undefined) {
    this.#settings = settings
    const given = input instanceof Request ? input : undefined
    this.#input = given ?? settings.resolve(input as string | URL)
    this.#init = init ?? {}
    const body = this.#init.body ?? given?.body ?? undefined
    if (given?.bodyUsed && this.#init.body == null)
      throw new TypeError('the body of this Request has been used already')
    // The runtime's own checks, before any policy: a mistake of the program must not count against the dependency. The
    // body is left out, since a stream can be read only once.
    const checked = new Request(this.#input, { ...readInit(this.#init), ...(body === undefined ? {} : { body: '' }) })
    this.url = new URL(checked.url)
    this.#method = checked.method
    this.#headers = new Headers(this.#init.headers ?? given?.headers)
    this.signal = readSignal(this.#init.signal === undefined ? given?.signal : this.#init.signal)
    this.#addIdempotencyKey()
    this.resendable = IDEMPOTENT.has(this.#method) || this.#headers.has(IDEMPOTENCY_KEY)
    this.target = {
      service: settings.name,
      method: this.#method,
      origin: this.url.origin,
      template: settings.template?.(new URL(this.url)),
    }
    if (body !== undefined) {
      // A request that is never sent again needs no second copy of its body.
      this.#body = new RequestBody(body, this.target, this.resendable ? settings.retryBodyMaxBytes : undefined)
    }
  }

  /** Whether a second one may be under way at the same time. */
  get idempotency(): Idempotency {
    // The body of the first would be gone.
    if (!this.resendable || this.#body?.replayable === false) return 'unsafe'
    return SAFE.has(this.#method) ? 'safe' : 'idempotent'
  }

  /** What one attempt gives to `fetch`. Rejects when the body cannot be sent a second time. */
  async forAttempt(call: Call, lastError: unknown): Promise<readonly [Request | string | URL, RequestInit]> {
    const { deadlineHeader } = this.#settings
    // Nothing can cut a call without a scope: then `fetch` needs no signal either.
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
    if (idempotencyKey === undefined || IDEMPOTENT.has(this.#method) || this.#headers.has(IDEMPOTENCY_KEY)) return
    // One key for all attempts: that is how the other side recognises the second one.
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

function readSignal(signal: AbortSignal | null | undefined): AbortSignal | undefined {
  if (signal === null || signal === undefined) return undefined
  if (typeof signal.addEventListener !== 'function') throw new TypeError('init.signal is no AbortSignal')
  return signal
}
