import type { Binding } from '../../core/binding.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { CallState } from '../../core/engine/call.ts'
import { CancelScope } from '../../core/engine/cancel-scope.ts'
import { runOnCalls } from '../../core/engine/custom-policy.ts'
import { hasCallWatchers } from '../../core/events/call-events.ts'
import type { Countable } from '../../core/events/events.ts'
import type { Operation, Run } from '../../core/operation.ts'
import {
  type Finding,
  type OptionsChange,
  type Policy,
  type PolicyFacts,
  type PolicyOptions,
  type PolicyStatus,
  unbound,
} from '../../core/policy.ts'
import { isRefusal } from '../../errors/classification.ts'
import { ChangeableOptions } from '../shared/changeable-options.ts'
import { outsideCalls } from '../shared/enclosures.ts'
import { runDetached } from '../shared/flight/detached-call.ts'
import { checkShareable, keyMissing } from '../shared/flight/shareable.ts'
import { judgeError } from '../shared/judge.ts'
import { CACHE_RULES, checkOrder } from '../shared/order-rules.ts'
import { isAnswer } from './answer.ts'
import { type CacheOptions, readCacheOptions } from './options.ts'
import { OUTCOMES, reportExecuted, reportHit, reportMiss, reportStale, reportStoreFailed } from './reports.ts'
import { CacheEntries, type CacheEntry } from './state/cache-entries.ts'
import { StoreFlights } from './store-flights.ts'
import { type ReportFailure, StoreMirror } from './store-mirror.ts'

/** A cache policy whose values can be deleted. Every call needs a key. */
export interface Cache<R = unknown> extends Policy<R, never, string> {
  /**
   * Removes the value of a key. Calls in flight for this key return their results, but these are not stored.
   *
   * @returns whether there was a value
   */
  delete(key: string): boolean
  /** Removes all values, with the same rule for calls in flight. */
  clear(): void
}

/**
 * Returns the value that an earlier call with the same key produced.
 *
 * Every call needs a key: `run(operation, { key })`. Failures are never stored.
 *
 * - Within `ttl` the stored value is returned and the operation does not run.
 * - For `staleWhileRevalidate` after `ttl`, the old value is returned immediately, and at most one refresh per key runs
 *   in the background.
 * - For `staleIfError` after `ttl`, the old value replaces a failure or a refusal by an inner policy. It does not
 *   replace the caller's abort or a business error. A business error is an answer: it removes the old value.
 *
 * Concurrent calls that miss the same key each run the operation: put a {@link coalesce} inside the cache to run it
 * only once. All callers get the same object: do not change it. A value that can be read only once, such as a
 * `Response`, is rejected with a `TypeError`: read it inside the operation. Semantics after RFC 5861 and Caffeine.
 *
 * @typeParam R what the operations return, checked at compile time; all operations under one key must return the same
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
  readonly countable: Countable = { outcomes: OUTCOMES }
  readonly #options: ChangeableOptions<CacheOptions>
  readonly #entries: CacheEntries<unknown>
  /** The running refreshes. Each is removed with its entry, so there are never more refreshes than entries. */
  readonly #refreshes = new Map<CacheEntry<unknown>, CancelScope>()
  /** Undefined if the values are in memory only. */
  readonly #mirror: StoreMirror | undefined
  /** Undefined if the store has no locks. */
  readonly #flights: StoreFlights | undefined
  #clock: Clock = systemClock
  /** The shield that reports failures of the store: the first one. */
  #binding: Binding | undefined
  #hits = 0
  #stale = 0
  #misses = 0

  constructor(options: CacheOptions) {
    const { name, times, maxEntries, store, storeTimeoutMs, flightTimeoutMs } = readCacheOptions(options)
    this.name = name
    this.#options = new ChangeableOptions(options, this.type, ['store', 'storeTimeout', 'flightTimeout'])
    this.#entries = new CacheEntries(maxEntries, times, (entry) => this.#cancelRefresh(entry))
    if (store !== undefined) {
      const report: ReportFailure = (key, action, error) => reportStoreFailed(this.#binding, key, action, error)
      this.#mirror = new StoreMirror(store, storeTimeoutMs, this.#entries, report)
      if (flightTimeoutMs > 0) this.#flights = new StoreFlights(this.#mirror, this.#entries, flightTimeoutMs)
    }
  }

  reconfigure(given: PolicyOptions): OptionsChange {
    return this.#options.change(given, (options) => {
      const { times, maxEntries } = readCacheOptions(options)
      return { apply: () => this.#entries.reconfigure(maxEntries, times) }
    })
  }

  delete(key: string): boolean {
    const existed = this.#entries.delete(key)
    this.#mirror?.remove(key)
    return existed
  }

  clear(): void {
    for (const { key } of this.#entries.clear()) this.#mirror?.remove(key)
  }

  status(): PolicyStatus {
    return { entries: this.#entries.size, hits: this.#hits, stale: this.#stale, misses: this.#misses }
  }

  check(inside: readonly PolicyFacts[], own: PolicyFacts = this): readonly Finding[] {
    return checkOrder(CACHE_RULES, own, inside)
  }

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    const { clock } = binding
    this.#clock = clock
    this.#binding ??= binding
    const entries = this.#entries
    const mirror = this.#mirror
    if (mirror !== undefined) mirror.clock = clock
    const flights = this.#flights
    if (flights !== undefined) Object.assign(flights, { clock, random: binding.random })
    const load = (key: string, call: CallState, operation: Operation<unknown>): Promise<unknown> =>
      flights === undefined
        ? this.#load(key, call, operation, next, binding)
        : this.#loadInTurn(flights, key, call, operation, next, binding)
    const serve = (key: string, call: CallState, operation: Operation<unknown>): Promise<unknown> => {
      const entry = entries.use(key)
      if (entry === undefined) return load(key, call, operation)
      const now = clock.now()
      if (entries.isFresh(entry, now)) {
        this.#hits += 1
        if (binding.events.hasExecutedListeners) reportHit(binding, entry, now, false)
        return Promise.resolve(entry.value)
      }
      if (!entries.mayRevalidate(entry, now)) return load(key, call, operation)
      this.#stale += 1
      if (binding.events.hasExecutedListeners) reportHit(binding, entry, now, true)
      if (entries.tryRefresh(entry, now)) void this.#refresh(entry, call, operation, next, binding)
      return Promise.resolve(entry.value)
    }
    return runOnCalls((call, operation) => {
      const { key } = call
      if (typeof key !== 'string') return Promise.reject(keyMissing(call, binding))
      if (mirror === undefined) return serve(key, call, operation)
      return mirror.synchronize(key).then((isCurrent) => {
        const cancellation = call.scope?.cancellation
        if (cancellation !== undefined) throw cancellation.reason
        return isCurrent ? serve(key, call, operation) : this.#load(key, call, operation, next, binding)
      })
    })
  }

  /** Runs the operation, or uses the value of another process that runs it at this moment. */
  async #loadInTurn(
    flights: StoreFlights,
    key: string,
    call: CallState,
    operation: Operation<unknown>,
    next: Run,
    binding: Binding,
  ): Promise<unknown> {
    const { entry, end } = await flights.wait(key, call.scope)
    try {
      const cancellation = call.scope?.cancellation
      if (cancellation !== undefined) throw cancellation.reason
      if (entry === undefined) return await this.#load(key, call, operation, next, binding)
      this.#hits += 1
      if (binding.events.hasExecutedListeners) reportHit(binding, entry, this.#clock.now(), false)
      return entry.value
    } finally {
      end?.()
    }
  }

  /** Runs the operation for a caller that waits for it. */
  async #load(
    key: string,
    call: CallState,
    operation: Operation<unknown>,
    next: Run,
    binding: Binding,
  ): Promise<unknown> {
    const runNumber = this.#entries.startRun()
    const startedMs = binding.events.hasExecutedListeners ? this.#clock.now() : undefined
    let value: unknown
    try {
      value = await next(call, operation)
    } catch (error) {
      const stale = this.#staleFor(error, key, runNumber, call)
      if (stale === undefined) {
        this.#misses += 1
        reportMiss(binding, key, startedMs, this.#clock.now(), error)
        throw error
      }
      this.#stale += 1
      if (hasCallWatchers()) call.root.markDegraded()
      reportStale(binding, stale, this.#clock.now(), error, false)
      reportExecuted(binding, 'stale', startedMs, this.#clock.now(), error)
      return stale.value
    }
    this.#misses += 1
    reportMiss(binding, key, startedMs, this.#clock.now())
    // A cancelled operation may return a partial value. It is not stored, and the caller does not get it either.
    if (call.scope?.cancellation === undefined) this.#store(key, value, runNumber, binding)
    return value
  }

  /** Runs the operation in the background. Never rejects. */
  async #refresh(
    entry: CacheEntry<unknown>,
    call: CallState,
    operation: Operation<unknown>,
    next: Run,
    binding: Binding,
  ): Promise<void> {
    const { key } = entry
    const runNumber = this.#entries.startRun()
    const scope = new CancelScope()
    this.#refreshes.set(entry, scope)
    const turn = this.#flights === undefined ? undefined : await this.#flights.take(key)
    try {
      if (scope.cancellation !== undefined) return
      if (turn === undefined && this.#flights !== undefined) {
        // Another process refreshes the value, and the next call finds it in the store.
        this.#refreshes.delete(entry)
        this.#entries.refreshFailed(entry, this.#clock.now())
        return
      }
      const value = await outsideCalls(() => runDetached(next, call, scope, operation))
      // The refresh was cancelled, because its entry was removed meanwhile.
      if (scope.cancellation !== undefined) return
      this.#refreshes.delete(entry)
      this.#store(key, value, runNumber, binding)
    } catch (error) {
      if (scope.cancellation !== undefined) return
      this.#refreshes.delete(entry)
      if (isAnswer(error)) {
        this.#retract(key, runNumber)
        return
      }
      this.#entries.refreshFailed(entry, this.#clock.now())
      reportStale(binding, entry, this.#clock.now(), error, true)
    } finally {
      turn?.end?.()
    }
  }

  /** Returns the stale entry that replaces a failure or a refusal, if there is one. An answer removes the old value. */
  #staleFor(error: unknown, key: string, runNumber: number, call: CallState): CacheEntry<unknown> | undefined {
    // The caller of a cancelled call no longer waits for a value.
    if (call.scope?.cancellation !== undefined) return undefined
    if (isAnswer(error)) {
      this.#retract(key, runNumber)
      return undefined
    }
    if (!isRefusal(error) && judgeError(undefined, error, call) !== 'failure') return undefined
    return this.#entries.staleForError(key, this.#clock.now())
  }

  #store(key: string, value: unknown, runNumber: number, binding: Binding): void {
    checkShareable(value, binding)
    const entry = this.#entries.store(key, value, runNumber, this.#clock.now())
    if (entry !== undefined) this.#mirror?.write(entry, this.#entries.keepMs)
  }

  #retract(key: string, runNumber: number): void {
    if (this.#entries.retract(key, runNumber)) this.#mirror?.remove(key)
  }

  /** Cancels the refresh of a removed entry. Otherwise a refresh that never ends would stay in memory. */
  #cancelRefresh(entry: CacheEntry<unknown>): void {
    const scope = this.#refreshes.get(entry)
    if (scope === undefined) return
    this.#refreshes.delete(entry)
    scope.cancel({
      by: 'caller',
      reason: new DOMException('the cache does not need this refresh any more', 'AbortError'),
    })
  }
}
