import { KeyedStates } from '../../shared/state/keyed-states.ts'
import { type BulkheadSettings, BulkheadState } from './bulkhead-state.ts'
import type { PriorityWaiter } from './priority-queue.ts'

/**
 * The compartments of one bulkhead: one for all calls, or one for each key. A key with places in use is forgotten only
 * when nothing else can be; its calls give their places back to the compartment that they are from, which serves its
 * own queue to the end.
 */
export class KeyedBulkheads<W extends PriorityWaiter> {
  readonly #settings: BulkheadSettings
  readonly #one: BulkheadState<W> | undefined
  readonly #keyed: KeyedStates<BulkheadState<W>> | undefined

  /** @param maxKeys undefined: one compartment for all calls */
  constructor(settings: BulkheadSettings, maxKeys: number | undefined) {
    this.#settings = settings
    if (maxKeys === undefined) {
      this.#one = new BulkheadState(settings)
      return
    }
    const make = (key: string | undefined): BulkheadState<W> => new KeyedBulkheadState(settings, key, keyed)
    const keyed = new KeyedStates(maxKeys, make)
    this.#keyed = keyed
  }

  /** The compartment of a call with that key. This is a use of the key. */
  of(key: string | undefined): BulkheadState<W> {
    return this.#one ?? (this.#keyed as KeyedStates<BulkheadState<W>>).of(key)
  }

  /** The same for whoever only looks: of a key that nobody has used, a compartment as it would be, and which is not kept. */
  at(key: string | undefined): BulkheadState<W> {
    return this.#one ?? this.#keyed?.peek(key) ?? new BulkheadState(this.#settings)
  }

  /** How many keys there are; undefined where there is one compartment for all. */
  get keys(): number | undefined {
    return this.#keyed?.size
  }
}

/** Says when it is in use: somebody at work. Nobody waits where nobody works. */
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

  override leave(): W | undefined {
    const next = super.leave()
    // Where all keys were in use it may have been forgotten: another compartment has its key now.
    if (this.inUse === 0 && this.#keyed.peek(this.#key) === this) this.#keyed.release(this.#key)
    return next
  }
}
