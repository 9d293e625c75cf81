import type { Binding } from '../../core/binding.ts'
import type { CancelTimer } from '../../core/clock.ts'
import { withCurrentCall } from '../../core/context/current-call.ts'
import { CallRoot, CallState } from '../../core/engine/call.ts'
import { CancelScope } from '../../core/engine/cancel-scope.ts'
import type { Operation } from '../../core/operation.ts'
import { backgroundTimer } from '../shared/background-timer.ts'
import type { Breaker } from './state/breaker.ts'

/** The option `probe`, read. */
export interface HealthCheckSettings {
  readonly operation: Operation<unknown>
  readonly everyMs: number
}

/**
 * Checks a dependency in the background while its circuit is open or half-open.
 *
 * The first success closes the circuit. A failure changes nothing, and its error reaches no caller. A check that is
 * still running when the next one is due is cancelled, so at most one check counts at a time, even if the operation
 * ignores its signal. The timer does not keep the process alive.
 */
export class HealthCheck {
  readonly #breaker: Breaker
  readonly #settings: HealthCheckSettings
  readonly #binding: Binding
  readonly #onClosed: () => void
  #cancelTimer: CancelTimer | undefined
  #dueMs = 0
  /** The number of timers so far. Only the latest one counts. */
  #timers = 0
  /** The scope of the check that is running. */
  #scope: CancelScope | undefined
  #stopped = false

  /** @param binding the shield whose name, clock and random source the check uses */
  constructor(breaker: Breaker, settings: HealthCheckSettings, binding: Binding, onClosed: () => void) {
    this.#breaker = breaker
    this.#settings = settings
    this.#binding = binding
    this.#onClosed = onClosed
  }

  /** Starts the checks, the first one after one interval: the dependency has just failed. */
  start(): void {
    this.#timers += 1
    const number = this.#timers
    const fire = (): void => {
      if (number !== this.#timers) return
      this.#cancelRunning('the health check did not finish before the next one was due')
      // A listener on the cancelled signal may have called `stop`.
      if (this.#stopped) return
      this.start()
      this.#check().catch(() => {})
    }
    const { clock } = this.#binding
    this.#dueMs = clock.now() + this.#settings.everyMs
    this.#cancelTimer = backgroundTimer(clock, fire, this.#settings.everyMs)
  }

  /**
   * Starts again if the timer is overdue by an interval. It was lost, with the fake timers of a test or with the request
   * that set it, on a runtime whose timers belong to a request.
   */
  revive(): void {
    if (this.#stopped || this.#binding.clock.now() < this.#dueMs + this.#settings.everyMs) return
    // The lost timer is not cancelled: node:test removes another one if it has forgotten this one.
    this.start()
  }

  /** Ends the checks permanently and cancels the one that is running. */
  stop(): void {
    this.#stopped = true
    this.#cancelTimer?.()
    this.#cancelRunning('the health check is no longer needed')
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
      // The signal of a finished check is never aborted, because its result may still use it (a body, a connection).
      if (this.#scope === scope) this.#scope = undefined
    }
    // A cancelled check is too late to count.
    if (scope.cancellation === undefined && this.#breaker.healthCheckSucceeded(openPeriod, clock.now()))
      this.#onClosed()
  }

  #cancelRunning(why: string): void {
    const scope = this.#scope
    this.#scope = undefined
    scope?.cancel({ by: 'escudo', reason: new Error(why) })
  }
}
