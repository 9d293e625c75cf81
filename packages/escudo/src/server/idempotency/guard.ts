import { type CancelTimer, systemClock } from '../../core/clock.ts'
import { MisuseError } from '../../core/misuse-error.ts'
import { show } from '../../core/options/durations.ts'
import { backgroundTimer } from '../../policies/shared/background-timer.ts'
import type { BodyHeaders } from './compared-body.ts'
import { IdempotencyErrors } from './errors.ts'
import { type IdempotencyOptions, type IdempotencySettings, readIdempotency } from './options.ts'
import { type IdempotencyRecord, isKept, recordIn, type StoredAnswer, sizeOfRecord } from './record.ts'
import { fingerprintOf, readKey, storedKey } from './request-key.ts'
import { type IdempotencyStore, MemoryStore } from './store.ts'

// A process that dies releases its keys after this time.
const RUN_MS = 30_000
const RENEW_MS = 10_000
/** A request that has not ended by then counts as dead. */
const RENEWALS_MAX = 60
/** How long a store may take. Without a bound, a store that hangs would hang each request with a key. */
const STORE_MS = 1_500
// To take the lock, read and write.
const LOCK_MS = 5_000
/** When a client may ask again for the answer of a request that is in progress. */
export const RETRY_AFTER_S = 1

/** A request with an idempotency key. */
export interface IdempotentRequest<Request> {
  /** The request of the framework, for `scope`. */
  readonly request: Request
  readonly method: string
  /** The pattern of the route. */
  readonly route: string
  /** The target, with its query. */
  readonly url: string
  /** The header `Idempotency-Key`. */
  readonly key: string | readonly string[] | undefined
  /** Returns the body: parsed, as text or as bytes. Not called for a request without a key. */
  readonly body: () => unknown
  /** Of a body that is not parsed, its type and length are compared. */
  readonly headers?: BodyHeaders
}

/** The first request with its key: it runs, and its answer is kept. */
export interface FirstRun {
  /**
   * The request has ended. Undefined if it got no answer: the next request with the key then runs.
   *
   * Never rejects. Only the first call counts.
   */
  end(answer: StoredAnswer | 'too large' | undefined): Promise<void>
  /** The connection is closed, and the client has a part of the answer. It runs no more, even if the rest never comes. */
  interrupt(): void
  /**
   * The answer has broken off: the next request with the key runs. If the client had disconnected before, that was the
   * cause, and the request was served.
   */
  breakOff(): Promise<void>
  /** The connection is closed. If the request does not end within half a minute, the next one with its key runs. */
  abandon(): void
}

/** What to do with a request: nothing special, run it and keep its answer, or send the answer of the first one. */
export type Begun =
  | { readonly kind: 'without key' }
  | { readonly kind: 'first'; readonly run: FirstRun }
  | { readonly kind: 'replay'; readonly answer: StoredAnswer }

/**
 * Lets each request with an idempotency key run once (IETF draft idempotency-key-header). Without a framework.
 */
export class IdempotencyGuard<Request> {
  readonly settings: IdempotencySettings<Request>
  readonly #store: IdempotencyStore | undefined
  readonly #memory: MemoryStore

  /** @throws ConfigurationError for an option that cannot work */
  constructor(options: IdempotencyOptions<Request>) {
    this.settings = readIdempotency(options)
    this.#store = this.settings.store && inTime(this.settings.store)
    this.#memory = new MemoryStore(this.settings, sizeOfRecord, () => systemClock.now())
  }

  /**
   * Begins a request.
   *
   * @throws an error of the catalogue `IdempotencyErrors`, and what `scope` throws
   */
  async begin({ request, method, route, url, key: header, body, headers }: IdempotentRequest<Request>): Promise<Begun> {
    const { methods, required, scope, onLoss } = this.settings
    if (!methods.has(method)) return { kind: 'without key' }
    const key = readKey(header)
    if (key === undefined) {
      if (required) throw new IdempotencyErrors.IDEMPOTENCY_KEY_REQUIRED()
      return { kind: 'without key' }
    }
    const principal: unknown = await scope(request)
    if (typeof principal !== 'string' || principal === '') {
      throw new MisuseError(`idempotency.scope: expected text that is not empty, got ${show(principal)}`)
    }
    const id = await storedKey(principal, method, route, key)
    const fingerprint = await fingerprintOf(url, await body(), headers)
    const store = this.#store
    if (store === undefined) return await this.#beginIn(this.#memory, id, fingerprint)
    try {
      return await this.#beginIn(store, id, fingerprint)
    } catch (error) {
      if (isAnswer(error)) throw error
      if (onLoss === 'closed') throw new IdempotencyErrors.IDEMPOTENCY_UNAVAILABLE(undefined, { cause: error })
      return await this.#beginIn(this.#memory, id, fingerprint)
    }
  }

  async #beginIn(store: IdempotencyStore, id: string, fingerprint: string): Promise<Begun> {
    let found = await this.#find(store, id)
    if (found === undefined) {
      const unlock = await store.lock(id, LOCK_MS)
      if (typeof unlock !== 'function') throw inProgress()
      try {
        // The one before may have ended in the meantime.
        found = await this.#find(store, id)
        if (found === undefined) {
          await store.set(id, { fingerprint } satisfies IdempotencyRecord, RUN_MS)
          this.#memory.set(id, { fingerprint } satisfies IdempotencyRecord, RUN_MS)
          return { kind: 'first', run: new Run(store, this.#memory, id, fingerprint, this.settings.ttlMs) }
        }
      } finally {
        await Promise.resolve()
          .then(() => unlock())
          .catch(() => {})
      }
    }
    if (found.fingerprint !== fingerprint) throw new IdempotencyErrors.IDEMPOTENCY_KEY_REUSED()
    if (found.answer !== undefined) return { kind: 'replay', answer: found.answer }
    throw found.isLost ? new IdempotencyErrors.IDEMPOTENCY_ANSWER_NOT_KEPT() : inProgress()
  }

  /** While the store fails, the memory has what this instance has served. */
  async #find(store: IdempotencyStore, id: string): Promise<IdempotencyRecord | undefined> {
    const stored = recordIn(await store.get(id))
    if (store === this.#memory || isDone(stored)) return stored
    const kept = recordIn(this.#memory.get(id))
    return isDone(kept) ? kept : (stored ?? kept)
  }
}

/** Whether the request has ended. */
function isDone(record: IdempotencyRecord | undefined): boolean {
  return record?.answer !== undefined || record?.isLost === true
}

function inProgress(): Error {
  return new IdempotencyErrors.IDEMPOTENCY_IN_PROGRESS(undefined, { retryAfterMs: RETRY_AFTER_S * 1_000 })
}

function isAnswer(error: unknown): boolean {
  return Object.values(IdempotencyErrors).some((entry) => entry.is(error))
}

/** A request that runs. While it does, its record in the store is renewed. */
class Run implements FirstRun {
  readonly #store: IdempotencyStore
  readonly #memory: MemoryStore
  readonly #id: string
  readonly #fingerprint: string
  readonly #ttlMs: number
  #cancelTimer: CancelTimer | undefined
  #renewing: Promise<void> = Promise.resolve()
  #hasEnded = false
  #isAbandoned = false

  constructor(store: IdempotencyStore, memory: MemoryStore, id: string, fingerprint: string, ttlMs: number) {
    this.#store = store
    this.#memory = memory
    this.#id = id
    this.#fingerprint = fingerprint
    this.#ttlMs = ttlMs
    this.#renewLater(RENEWALS_MAX)
  }

  async end(answer: StoredAnswer | 'too large' | undefined): Promise<void> {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.abandon()
    await this.#renewing
    if (answer === undefined || (answer !== 'too large' && !isKept(answer.status))) {
      this.#memory.delete(this.#id)
      await quietly(() => this.#store.delete(this.#id))
      return
    }
    const fingerprint = this.#fingerprint
    if (answer !== 'too large' && (await this.#isStored({ fingerprint, answer }))) return
    await this.#keep({ fingerprint, isLost: true }, this.#ttlMs)
  }

  /** Keeps an answer. Returns false if it is too large for the store, which then has nothing that stops a second run. */
  async #isStored(record: IdempotencyRecord): Promise<boolean> {
    await this.#keep(record, this.#ttlMs)
    try {
      return recordIn(await this.#store.get(this.#id)) !== undefined
    } catch {
      return recordIn(this.#memory.get(this.#id)) !== undefined
    }
  }

  interrupt(): void {
    if (this.#hasEnded) return
    this.abandon()
    this.#renewing = this.#renewing.then(() =>
      this.#keep({ fingerprint: this.#fingerprint, isLost: true }, this.#ttlMs),
    )
  }

  breakOff(): Promise<void> {
    return this.end(this.#isAbandoned ? 'too large' : undefined)
  }

  abandon(): void {
    this.#isAbandoned = true
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #renewLater(left: number): void {
    if (left === 0) return
    const renew = (): void => {
      this.#renewing = this.#keep({ fingerprint: this.#fingerprint }, RUN_MS).then(() => {
        if (this.#cancelTimer !== undefined) this.#renewLater(left - 1)
      })
    }
    this.#cancelTimer = backgroundTimer(systemClock, renew, RENEW_MS)
  }

  /** Also in memory: while the store fails, this instance knows what it has served. Never rejects. */
  async #keep(record: IdempotencyRecord, keepMs: number): Promise<void> {
    this.#memory.set(this.#id, record, keepMs)
    if (this.#store !== this.#memory) await quietly(() => this.#store.set(this.#id, record, keepMs))
  }
}

async function quietly(use: () => unknown): Promise<void> {
  try {
    await use()
  } catch {
    // The store has failed.
  }
}

/** The store, whose methods reject if they take too long. */
function inTime(store: IdempotencyStore): IdempotencyStore {
  return {
    get: (key) => soon(() => store.get(key)),
    set: (key, value, keepMs) => soon(() => store.set(key, value, keepMs)),
    delete: (key) => soon(() => store.delete(key)),
    lock: async (key, forMs) => {
      const unlock = await soon(() => store.lock(key, forMs))
      return typeof unlock === 'function' ? () => soon(unlock) : undefined
    },
  }
}

async function soon<T>(use: () => T | PromiseLike<T>): Promise<T> {
  let cancelTimer: CancelTimer | undefined
  const late = new Promise<never>((_, reject) => {
    const fail = (): void => reject(new Error(`the store of idempotency keys took longer than ${STORE_MS} ms`))
    cancelTimer = backgroundTimer(systemClock, fail, STORE_MS)
  })
  try {
    return await Promise.race([use(), late])
  } finally {
    cancelTimer?.()
  }
}
