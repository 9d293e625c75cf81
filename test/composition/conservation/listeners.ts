/** Counts the listeners that are added to and removed from the signals of callers. */
export class ListenerCount {
  added = 0
  removed = 0
  readonly #signals = new WeakSet<AbortSignal>()

  /** Counts this signal's listeners from now on. */
  watch(signal: AbortSignal): void {
    this.#signals.add(signal)
  }

  /** Patches `AbortSignal` for the whole process. It cannot be undone. */
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
