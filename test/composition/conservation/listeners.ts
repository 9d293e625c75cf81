/** Counts who begins and who ends to listen to the signals of callers. */
export class ListenerCount {
  added = 0
  removed = 0
  readonly #signals = new WeakSet<AbortSignal>()

  /** From now on this signal counts too. */
  watch(signal: AbortSignal): void {
    this.#signals.add(signal)
  }

  /** Counts on every signal of the process, until it ends: there is no way back. */
  install(): void {
    const { addEventListener, removeEventListener } = EventTarget.prototype
    const count = this
    AbortSignal.prototype.addEventListener = function (this: AbortSignal, ...args: [never, never, never?]): void {
      if (count.#signals.has(this)) count.added += 1
      addEventListener.apply(this, args)
    }
    AbortSignal.prototype.removeEventListener = function (this: AbortSignal, ...args: [never, never, never?]): void {
      if (count.#signals.has(this)) count.removed += 1
      removeEventListener.apply(this, args)
    }
  }
}
