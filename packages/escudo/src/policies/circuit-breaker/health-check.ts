import type { Binding } from '../../core/binding.ts'
import type { CancelTimer } from '../../core/clock.ts'
import { withCurrentCall } from '../../core/context/current-call.ts'
import { CallRoot, CallState } from '../../core/engine/call.ts'
import { CancelScope } from '../../core/engine/cancel-scope.ts'
import type { Operation } from '../../core/operation.ts'
import { backgroundTimer } from '../shared/background-timer.ts'
import type { Breaker } from './state/breaker.ts'

/** How a breaker asks its dependency whether it is back. */
export interface HealthCheckSettings {
  readonly operation: Operation<unknown>
  readonly everyMs: number
}

/**
 * Asks a dependency whether it is back, again and again while its circuit is open or half-open; the first answer closes
 * it. A check has until the next one is due: then it is cut, so there is never more than one, however deaf it is.
 * Nobody waits for it, so what it throws is nobody's error, and it holds no process alive.
 */
export class HealthCheck {
  readonly #breaker: Breaker
  readonly #settings: HealthCheckSettings
  readonly #binding: Binding
  readonly #onClosed: () => void
  #cancelTimer: CancelTimer | undefined
  /** Of the check that is under way. */
  #scope: CancelScope | undefined
  #stopped = false

  /** @param binding the shield in whose name it asks */
  constructor(breaker: Breaker, settings: HealthCheckSettings, binding: Binding, onClosed: () => void) {
    this.#breaker = breaker
    this.#settings = settings
    this.#binding = binding
    this.#onClosed = onClosed
  }

  /** The first check begins after the first interval: the dependency has just failed. */
  start(): void {
    const fire = (): void => {
      this.#cut('the health check took longer than the time between two')
      // By whoever heard of the cut.
      if (this.#stopped) return
      this.start()
      this.#check().catch(() => {})
    }
    this.#cancelTimer = backgroundTimer(this.#binding.clock, fire, this.#settings.everyMs)
  }

  /** For good. A check that is under way is cut. */
  stop(): void {
    this.#stopped = true
    this.#cancelTimer?.()
    this.#cut('the health check is not needed any more')
  }

  async #check(): Promise<void> {
    const { openPeriod, key } = this.#breaker
    if (openPeriod === undefined) return
    const scope = new CancelScope()
    this.#scope = scope
    const { shield, clock, random } = this.#binding
    const host = { name: shield, clock, random, policies: [] }
    const call = new CallState(new CallRoot(host, key, 0), scope, 1, clock.now() + this.#settings.everyMs)
    try {
      await withCurrentCall(call, () => this.#settings.operation(call))
    } finally {
      // What has come to its end is not aborted any more: it may have returned something that lives on.
      if (this.#scope === scope) this.#scope = undefined
    }
    // Cut: it answered too late, and another check is under way.
    if (scope.cancellation === undefined && this.#breaker.healthCheckSucceeded(openPeriod, clock.now()))
      this.#onClosed()
  }

  #cut(why: string): void {
    const scope = this.#scope
    this.#scope = undefined
    scope?.cancel({ by: 'escudo', reason: new Error(why) })
  }
}
