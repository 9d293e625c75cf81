import type { CancelTimer, Clock } from './clock.ts'
import { DeadlineExceededError, type Origin, stackless } from './errors.ts'
import { Scope } from './scope.ts'

/** The scope of a whole call: cut by its caller's signal, or by the deadline that its caller gave. */
export class CallerScope extends Scope {
  readonly #signal: AbortSignal | undefined
  #cancelTimer: CancelTimer | undefined

  constructor(signal: AbortSignal | undefined) {
    super()
    this.#signal = signal
    // `this` is the listener (see handleEvent): no closure for each call, and its removal cannot miss.
    signal?.addEventListener('abort', this)
  }

  /** For the caller's signal: the reason goes on untouched. */
  handleEvent(): void {
    this.cutOff({ by: 'caller', reason: this.#signal?.reason })
  }

  /** Cuts the call when its deadline comes. */
  cutAfter(delayMs: number, clock: Clock, origin: Origin): void {
    const fire = (): void => {
      this.cutOff({ by: 'escudo', reason: stackless(() => new DeadlineExceededError(origin, delayMs)) })
    }
    this.#cancelTimer = clock.setTimer(fire, delayMs)
  }

  /** Leaves the caller's signal and the clock as they were. */
  release(): void {
    this.#signal?.removeEventListener('abort', this)
    this.#cancelTimer?.()
  }
}
