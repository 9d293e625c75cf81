import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, toMs } from '../../core/options/durations.ts'
import { knownKeys, oneOf, requiredFunction, trueOrFalse, wholeNumber } from '../../core/options/options.ts'
import { read } from '../../errors/safe-read.ts'
import type { IdempotencyStore } from './store.ts'

/** Options of `idempotency`. */
export interface IdempotencyOptions<Request> {
  /**
   * Returns the user or tenant of a request, as text that is not empty. It may return a promise. Required: a guessed key
   * must never replay the answer of another user.
   */
  readonly scope: (request: Request) => string | PromiseLike<string>
  /**
   * Where answers are kept: `fleet().store({ name: 'idempotency' })` of `escudo/redis`, for several instances. Default: in
   * the memory of the process.
   */
  readonly store?: IdempotencyStore
  /** How long an answer is replayed. Default `'24h'`. */
  readonly ttl?: Duration
  /** The methods with keys. Default: POST and PATCH, the two that are not idempotent (RFC 9110, RFC 5789). */
  readonly methods?: readonly string[]
  /** Whether a request of these methods needs a key. Default false: without one it runs as usual. */
  readonly required?: boolean
  /** The largest answer that is kept, in bytes of its body. Default 131 072 (128 KiB). */
  readonly maxBodyBytes?: number
  /** In memory: how many answers are kept. The oldest goes first. Default 1000. */
  readonly maxEntries?: number
  /** In memory: how large all kept answers may be together, in bytes. Default 16 777 216 (16 MiB). */
  readonly maxBytes?: number
  /**
   * What happens while the store fails. `'alone'`, the default: the instance keeps answers in its memory. `'closed'`:
   * requests with a key get 503 `IDEMPOTENCY_UNAVAILABLE`.
   */
  readonly onLoss?: 'alone' | 'closed'
}

/** The options, read and validated. */
export interface IdempotencySettings<Request> {
  readonly scope: (request: Request) => string | PromiseLike<string>
  readonly store: IdempotencyStore | undefined
  readonly ttlMs: number
  readonly methods: ReadonlySet<string>
  readonly required: boolean
  readonly maxBodyBytes: number
  readonly maxEntries: number
  readonly maxBytes: number
  readonly onLoss: 'alone' | 'closed'
}

const PATH = 'idempotency'
const KNOWN = [
  'scope',
  'store',
  'ttl',
  'methods',
  'required',
  'maxBodyBytes',
  'maxEntries',
  'maxBytes',
  'onLoss',
] as const

/** @throws ConfigurationError for an option that cannot work */
export function readIdempotency<Request>(options: IdempotencyOptions<Request>): IdempotencySettings<Request> {
  knownKeys(options, PATH, KNOWN)
  const { store, methods = ['POST', 'PATCH'] } = options
  if (store !== undefined) {
    for (const method of ['get', 'set', 'delete', 'lock'] as const) {
      requiredFunction(read(store, method), `${PATH}.store.${method}`)
    }
  }
  if (!Array.isArray(methods) || methods.length === 0 || methods.some((method) => !/^[A-Z]+$/.test(String(method)))) {
    throw new ConfigurationError(`${PATH}.methods`, "expected names of methods in capital letters, such as ['POST']")
  }
  return {
    scope: requiredFunction(options.scope, `${PATH}.scope`),
    store,
    ttlMs: toMs(options.ttl ?? '24h', `${PATH}.ttl`, 1),
    methods: new Set(methods as readonly string[]),
    required: trueOrFalse(options.required ?? false, `${PATH}.required`),
    maxBodyBytes: wholeNumber(options.maxBodyBytes ?? 131_072, `${PATH}.maxBodyBytes`, 0),
    maxEntries: wholeNumber(options.maxEntries ?? 1_000, `${PATH}.maxEntries`, 1),
    maxBytes: wholeNumber(options.maxBytes ?? 16_777_216, `${PATH}.maxBytes`, 1),
    onLoss: oneOf(options.onLoss ?? 'alone', `${PATH}.onLoss`, ['alone', 'closed']),
  }
}
