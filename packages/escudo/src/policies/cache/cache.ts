import type { Binding } from '../../core/binding.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { type Call, scopeOf } from '../../core/engine/call.ts'
import { CancelScope } from '../../core/engine/cancel-scope.ts'
import type { Operation, Run } from '../../core/operation.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys, wholeNumber } from '../../core/options/options.ts'
import { type Finding, type Policy, type PolicyFacts, type PolicyStatus, unbound } from '../../core/policy.ts'
import { isRefusal } from '../../errors/classification.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { runDetached } from '../shared/flight/detached-call.ts'
import { outsideFlights } from '../shared/flight/flight.ts'
import { checkShareable, keyMissing } from '../shared/flight/shareable.ts'
import { judgeError } from '../shared/judge.ts'
import { checkOrder } from '../shared/order-rules.ts'
import { CacheEntries, type CacheEntry } from './state/cache-entries.ts'

/** Options of {@link cache}. */
export interface CacheOptions {
  /** How long a value is given out as it is, from the instant on at which it came. 0: never, with one of the next two. */
  readonly ttl: Duration
  /** How long after that it is given out while one refresh runs in the background. Default: not at all. */
  readonly staleWhileRevalidate?: Duration
  /** How long after `ttl` it stands in for a failure. Default: not at all. */
  readonly staleIfError?: Duration
  /** How many values are kept; beyond it the one that was used least recently goes. Default 1000. */
  readonly maxEntries?: number
  /** Default: `cache`. */
  readonly name?: string
}

/** A cache, as a policy and as something to delete from. Every call needs a key. */
export interface Cache<R = unknown> extends Policy<R, never, string> {
  /**
   * Forgets a key. What is under way for it will reach its callers, and will not be kept.
   *
   * @returns whether there was a value
   */
  delete(key: string): boolean
  /** Forgets everything, in the same way. */
  clear(): void
}

/**
 * Answers from memory what was answered before under the same key, which every call must bring: `run(operation,
 * { key })`. A failure is never kept.
 *
 * Within `ttl` a value is given out and nothing is run. Within `staleWhileRevalidate` after it the old value is given out
 * at once, and one refresh for each key runs in the background. Within `staleIfError` after it a failure, or a refusal
 * from further in, is answered with the old value; not so the caller's own abort and a business error, which is an answer
 * and ends the old value. Calls that miss the same key at the same time each run: put a {@link coalesce} inside of the
 * cache. Semantics after RFC 5861 and Caffeine.
 *
 * A value is given to many callers, the same object to all of them: do not change it. What only one could read, a
 * `Response` above all, is refused with a `TypeError`: read it inside of the operation.
 *
 * @typeParam R what the operations give, where it is to be checked; all operations under one key must give the same
 * @throws ConfigurationError for an option that cannot work
 * @example
 * ```ts
 * import { cache, coalesce, shield, timeout } from 'escudo'
 *
 * const prices = cache<number>({ ttl: '1m', staleWhileRevalidate: '5m', staleIfError: '1h' })
 * const shop = shield('shop', prices, coalesce(), timeout('2s'))
 * const price = await shop.run(async () => 12.5, { key: 'mana-potion' })
 * console.log(price, prices.delete('mana-potion')) // 12.5 true
 * ```
 */
export function cache<R = unknown>(options: CacheOptions): Cache<R> {
  return new CachePolicy(options)
}

class CachePolicy<R> implements Cache<R> {
  readonly name: string
  readonly type = 'cache'
  readonly settings = {}
  readonly #entries: CacheEntries<unknown>
  /** Of entries that are being refreshed. A refresh goes with its entry, so there are never more of them. */
  readonly #refreshes = new Map<CacheEntry<unknown>, CancelScope>()
  #clock: Clock = systemClock
  #hits = 0
  #stale = 0
  #misses = 0

  constructor(options: CacheOptions) {
    knownKeys(options, 'cache', ['ttl', 'staleWhileRevalidate', 'staleIfError', 'maxEntries', 'name'])
    this.name = checkedName(options.name ?? 'cache', 'cache.name')
    const times = {
      ttlMs: toMs(options.ttl, 'cache.ttl'),
      staleWhileRevalidateMs: toMs(options.staleWhileRevalidate ?? 0, 'cache.staleWhileRevalidate'),
      staleIfErrorMs: toMs(options.staleIfError ?? 0, 'cache.staleIfError'),
    }
    if (times.ttlMs + times.staleWhileRevalidateMs + times.staleIfErrorMs === 0) {
      throw new ConfigurationError('cache.ttl', '0 without staleWhileRevalidate or staleIfError keeps nothing')
    }
    const maxEntries = wholeNumber(options.maxEntries ?? 1_000, 'cache.maxEntries', 1)
    this.#entries = new CacheEntries(maxEntries, times, (entry) => this.#giveUp(entry))
  }

  delete(key: string): boolean {
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  status(): PolicyStatus {
    return { entries: this.#entries.size, hits: this.#hits, stale: this.#stale, misses: this.#misses }
  }

  check(inside: readonly PolicyFacts[]): readonly Finding[] {
    return checkOrder(this, inside)
  }

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    const { clock } = binding
    this.#clock = clock
    const entries = this.#entries
    return (call, operation) => {
      const { key } = call
      if (typeof key !== 'string') return Promise.reject(keyMissing(binding))
      const entry = entries.use(key)
      if (entry === undefined) return this.#load(key, call, operation, next, binding) as never
      const now = clock.now()
      if (entries.isFresh(entry, now)) {
        this.#hits += 1
        return Promise.resolve(entry.value as never)
      }
      if (!entries.servesMeanwhile(entry, now)) return this.#load(key, call, operation, next, binding) as never
      this.#stale += 1
      if (entries.tryRefresh(entry, now)) void this.#refresh(entry, call, operation, next, binding)
      return Promise.resolve(entry.value as never)
    }
  }

  /** Runs the operation for the caller, who waits. */
  async #load(key: string, call: Call, operation: Operation<unknown>, next: Run, binding: Binding): Promise<unknown> {
    const run = this.#entries.begin()
    let value: unknown
    try {
      value = await next(call, operation)
    } catch (error) {
      const spare = this.#spareFor(error, key, run, call)
      if (spare === undefined) {
        this.#misses += 1
        throw error
      }
      this.#stale += 1
      this.#tell(spare, error, false, binding)
      return spare.value
    }
    this.#misses += 1
    // What an operation makes of the abort of its signal is no answer that anybody has got.
    if (scopeOf(call)?.cancellation === undefined) this.#keep(key, value, run, binding)
    return value
  }

  /** Runs the operation in the background. Never rejects. */
  async #refresh(
    entry: CacheEntry<unknown>,
    call: Call,
    operation: Operation<unknown>,
    next: Run,
    binding: Binding,
  ): Promise<void> {
    const { key } = entry
    const run = this.#entries.begin()
    const scope = new CancelScope()
    this.#refreshes.set(entry, scope)
    try {
      const value = await outsideFlights(() => runDetached(next, call, scope, operation))
      // The entry is gone, and with it whoever wanted it refreshed.
      if (scope.cancellation !== undefined) return
      this.#refreshes.delete(entry)
      this.#keep(key, value, run, binding)
    } catch (error) {
      if (scope.cancellation !== undefined) return
      this.#refreshes.delete(entry)
      if (isAnswer(error)) {
        this.#entries.retract(key, run)
        return
      }
      this.#entries.refreshFailed(entry, this.#clock.now())
      this.#tell(entry, error, true, binding)
    }
  }

  /** What is given out in place of an error: nothing, unless it is a failure or a refusal. */
  #spareFor(error: unknown, key: string, run: number, call: Call): CacheEntry<unknown> | undefined {
    // Whoever cut the call has stopped listening.
    if (scopeOf(call)?.cancellation !== undefined) return undefined
    if (isAnswer(error)) {
      this.#entries.retract(key, run)
      return undefined
    }
    if (!isRefusal(error) && judgeError(undefined, error, call) !== 'failure') return undefined
    return this.#entries.spare(key, this.#clock.now())
  }

  #keep(key: string, value: unknown, run: number, binding: Binding): void {
    checkShareable(value, binding)
    this.#entries.store(key, value, run, this.#clock.now())
  }

  #tell({ storedMs }: CacheEntry<unknown>, error: unknown, refresh: boolean, binding: Binding): void {
    const { shield, policy, events } = binding
    if (!events.hasListeners('stale')) return
    events.emit('stale', { shield, policy, error, ageMs: this.#clock.now() - storedMs, refresh })
  }

  /** The entry is gone: nobody waits for its refresh, and an operation that never ends must not be remembered. */
  #giveUp(entry: CacheEntry<unknown>): void {
    const scope = this.#refreshes.get(entry)
    if (scope === undefined) return
    this.#refreshes.delete(entry)
    scope.cancel({
      by: 'caller',
      reason: new DOMException('the cache does not need this refresh any more', 'AbortError'),
    })
  }
}

/** Whether an error says what is so, and not that something failed: a 404, a broken rule. What was so before is over. */
function isAnswer(error: unknown): boolean {
  const facts = factsOf(error)
  if (facts === undefined || facts.refusal === true || facts.verdict === 'failure') return false
  return facts.kind === 'business' || facts.verdict === 'success'
}
