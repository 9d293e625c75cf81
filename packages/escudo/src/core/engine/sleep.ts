import type { Clock } from '../clock.ts'
import { type Cancellation, type CancelScope, Watcher } from './cancel-scope.ts'

/**
 * Waits `delayMs`, or until the scope is cancelled.
 *
 * It never rejects: check `scope.cancellation` afterwards. It removes its timer and its watcher.
 */
export function sleep(delayMs: number, clock: Clock, scope: CancelScope | undefined): Promise<void> {
  return new Promise((resolve) => {
    const cancelTimer = clock.setTimer(() => {
      sleeper.unwatch()
      resolve()
    }, delayMs)
    const sleeper = new Sleeper(() => {
      cancelTimer()
      resolve()
    })
    sleeper.watch(scope)
  })
}

/** Wakes what waits inside a scope when the scope is cancelled. */
export class Sleeper extends Watcher {
  readonly #wake: () => void

  constructor(wake: () => void) {
    super()
    this.#wake = wake
  }

  override onCancel(_cancellation: Cancellation): void {
    this.#wake()
  }
}
