import type { Clock } from '../clock.ts'
import { type Cancellation, type CancelScope, Watcher } from './cancel-scope.ts'

/** Waits `delayMs`, or less when the scope is cut: look at the scope afterwards. Leaves no timer and no watcher behind. */
export function sleep(delayMs: number, clock: Clock, scope: CancelScope | undefined): Promise<void> {
  return new Promise((resolve) => {
    const cancelTimer = clock.setTimer(() => {
      sleeper?.unwatch()
      resolve()
    }, delayMs)
    const sleeper =
      scope === undefined
        ? undefined
        : new Sleeper(() => {
            cancelTimer()
            resolve()
          })
    if (scope !== undefined) sleeper?.watch(scope)
  })
}

class Sleeper extends Watcher {
  readonly #wake: () => void

  constructor(wake: () => void) {
    super()
    this.#wake = wake
  }

  override onCancel(_cut: Cancellation): void {
    this.#wake()
  }
}
