import { KeyedStates } from '../../shared/state/keyed-states.ts'
import { type BulkheadSettings, BulkheadState } from './bulkhead-state.ts'
import type { PriorityWaiter } from './priority-queue.ts'

/**
 * The states of one bulkhead: one for all calls, or one for each key.
 *
 * A key with permits in use is evicted only if all keys have permits in use. Its running calls then release their
 * permits to the state from which they acquired them, and that state serves its queue to the end.
 */
export class KeyedBulkheads<W extends PriorityWaiter> {
  #settings: BulkheadSettings
  #single: BulkheadState<W> | undefined
  readonly #keyed: KeyedStates<BulkheadState<W>> | undefined

  /** @param maxKeys undefined: one state for all calls */
  constructor(settings: BulkheadSettings, maxKeys: number | undefined) {
    this.#settings = settings
    if (maxKeys === undefined) {
      this.#single = new BulkheadState(settings)
      return
    }
    const create = (key: string | undefined): BulkheadState<W> => new KeyedBulkheadState(this.#settings, key, keyed)
    const keyed = new KeyedStates(maxKeys, create)
    this.#keyed = keyed
  }

  /** Returns the state of a key, creates it if needed, and makes the key the most recently used one. */
  of(key: string | undefined): BulkheadState<W> {
    return this.#single ?? (this.#keyed as KeyedStates<BulkheadState<W>>).use(key)
  }

  /** Replaces the state of all calls by one whose permits a fleet shares. */
  share(create: (settings: BulkheadSettings) => BulkheadState<W>): void {
    this.#single = create(this.#settings)
  }

  /** Returns the state of a key without using the key. For an unknown key, returns a new state that is not kept. */
  peek(key: string | undefined): BulkheadState<W> {
    return this.#single ?? this.#keyed?.peek(key) ?? new BulkheadState(this.#settings)
  }

  /**
   * Changes the limits of all states. An evicted state keeps its limits: no new call enters it.
   *
   * @returns the waiting calls that now have a permit
   */
  resize(settings: BulkheadSettings): W[] {
    this.#settings = settings
    const states = this.#keyed?.states ?? [this.#single as BulkheadState<W>]
    return states.flatMap((state) => state.resize(settings.limit, settings.queueLimit))
  }

  /** How many keys are kept; undefined if there is one state for all calls. */
  get keys(): number | undefined {
    return this.#keyed?.size
  }
}

/** Protects its key from eviction while permits are in use. Calls wait only while all permits are in use. */
class KeyedBulkheadState<W extends PriorityWaiter> extends BulkheadState<W> {
  readonly #key: string | undefined
  readonly #keyed: KeyedStates<BulkheadState<W>>

  constructor(settings: BulkheadSettings, key: string | undefined, keyed: KeyedStates<BulkheadState<W>>) {
    super(settings)
    this.#key = key
    this.#keyed = keyed
  }

  override tryAcquire(): boolean {
    if (!super.tryAcquire()) return false
    if (this.inUse === 1) this.#keyed.keep(this.#key)
    return true
  }

  override release(): W | undefined {
    const next = super.release()
    // If all keys had permits in use, this state may have been evicted, and another state may have its key now.
    if (this.inUse === 0 && this.#keyed.peek(this.#key) === this) this.#keyed.release(this.#key)
    return next
  }
}
