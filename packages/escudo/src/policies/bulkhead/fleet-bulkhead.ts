import type { Binding } from '../../core/binding.ts'
import type { Clock } from '../../core/clock.ts'
import type { LocalPermits, SharedPermits } from '../../core/shared-state.ts'
import type { SharingSettings } from './options.ts'
import type { QueuedCall } from './queued-call.ts'
import { type BulkheadSettings, BulkheadState } from './state/bulkhead-state.ts'

const NONE: readonly QueuedCall[] = []

/**
 * The permits that this instance has of a fleet's bulkhead.
 *
 * Its `limit` is how many permits it may use now, and the fleet changes it in the background; `limitMax` is the limit of
 * the whole fleet. With `exact`, a call enters the queue until Redis has answered, whatever the length of the queue.
 */
export class FleetBulkhead extends BulkheadState<QueuedCall> {
  /** How many calls may wait for a permit. */
  queueMax: number
  readonly #clock: Clock
  readonly #exact: boolean
  readonly #permits: SharedPermits
  #peak = 0
  /** The calls that wait for the present answer; empty if the queue has room for all of them, or if not exact. */
  #asked: readonly QueuedCall[] = NONE

  constructor(settings: BulkheadSettings, { state, exact, onLoss }: SharingSettings, binding: Binding) {
    super(settings)
    this.limit = 0
    this.queueMax = settings.queueLimit
    this.#exact = exact
    this.#clock = binding.clock
    const { shield, policy, clock, random } = binding
    this.#permits = state.permits({
      shield,
      policy,
      clock,
      random,
      limit: settings.limit,
      exact,
      onLoss,
      local: () => this.#local(),
      onPermits: (permits, hasAnswer) => this.#onPermits(permits, hasAnswer),
    })
    this.#setQueueLimit()
    this.#permits.start()
  }

  override tryAcquire(): boolean {
    const permits = this.#permits
    if (this.#exact && !permits.isAlone) return false
    const now = this.#clock.now()
    if (now >= permits.endsMs) permits.ended(now)
    if (!super.tryAcquire()) {
      permits.foundNone(now)
      return false
    }
    const { inUse } = this
    if (inUse > this.#peak) this.#peak = inUse
    if (this.limit - inUse <= permits.lowWater) permits.short(now)
    return true
  }

  override enqueue(call: QueuedCall): QueuedCall | undefined {
    const displaced = super.enqueue(call)
    this.#permits.foundNone(this.#clock.now())
    return displaced
  }

  override release(): QueuedCall | undefined {
    const permits = this.#permits
    if (this.queued > 0) {
      const now = this.#clock.now()
      if (now >= permits.endsMs) permits.ended(now)
    }
    if (this.limit <= permits.keepMax) return super.release()
    this.limit = Math.min(this.limit, this.inUse - 1)
    const next = super.release()
    permits.returned()
    return next
  }

  /** Changes the limit of the whole fleet. */
  override resize(limit: number, queueLimit: number): QueuedCall[] {
    this.limitMax = limit
    this.queueMax = queueLimit
    this.#setQueueLimit()
    this.#permits.resize(limit)
    return []
  }

  #local(): LocalPermits {
    const { inUse, queued: waiting } = this
    const local = { inUse, waiting, peak: this.#peak }
    this.#peak = inUse
    // If all of them have room in the queue, none is rejected.
    if (this.#exact) this.#asked = waiting > this.queueMax ? this.waiting() : NONE
    return local
  }

  #onPermits(permits: number, hasAnswer: boolean): void {
    // So it is for each question of an exact bulkhead: the permit that it gives back was taken off when it was released.
    if (permits === this.limit && !hasAnswer) return
    this.limit = permits
    for (const call of this.admit()) call.admit()
    if (this.inUse > this.#peak) this.#peak = this.inUse
    if (!this.#exact) return
    this.#setQueueLimit()
    if (hasAnswer) this.#rejectExcess()
  }

  /** Rejects the calls for which Redis had no permit, and the queue no room. */
  #rejectExcess(): void {
    const asked = this.#asked
    this.#asked = NONE
    if (this.queued <= this.queueMax) return
    const waiting = this.#permits.isAlone ? this.waiting() : asked.filter((call) => call.waiting)
    for (const call of waiting.slice(this.queueMax)) call.reject()
  }

  /** While calls wait for an answer of Redis, as many more as the fleet has permits may do so. */
  #setQueueLimit(): void {
    this.queueLimit = this.#exact && !this.#permits.isAlone ? this.queueMax + this.limitMax : this.queueMax
  }
}
