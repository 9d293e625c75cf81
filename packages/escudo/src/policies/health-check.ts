import { withAmbient } from '../core/ambient.ts'
import { CallRoot, CallState } from '../core/call.ts'
import type { CancelTimer, Clock } from '../core/clock.ts'
import type { Binding, Operation } from '../core/policy.ts'
import { Scope } from '../core/scope.ts'
import type { Breaker } from '../mechanisms/breaker.ts'

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
  readonly #clock: Clock
  readonly #binding: Binding | undefined
  readonly #onClosed: () => void
  #cancelTimer: CancelTimer | undefined
  #scope: Scope | undefined

  constructor(
    breaker: Breaker,
    settings: HealthCheckSettings,
    clock: Clock,
    binding: Binding | undefined,
    onClosed: () => void,
  ) {
    this.#breaker = breaker
    this.#settings = settings
    this.#clock = clock
    this.#binding = binding
    this.#onClosed = onClosed
  }

  /** The first check begins after the first interval: the dependency has just failed. */
  start(): void {
    const fire = (): void => {
      this.#cut()
      this.start()
      this.#check().catch(() => {})
    }
    const { everyMs } = this.#settings
    this.#cancelTimer = withAmbient(undefined, () => this.#clock.setTimer(fire, everyMs, { background: true }))
  }

  stop(): void {
    this.#cancelTimer?.()
    this.#cut()
  }

  async #check(): Promise<void> {
    const { outage, key } = this.#breaker
    if (outage === undefined) return
    const scope = new Scope()
    this.#scope = scope
    const host = {
      name: this.#binding?.shield ?? '',
      clock: this.#clock,
      random: this.#binding?.random ?? Math.random,
      policies: [],
    }
    const deadline = this.#clock.now() + this.#settings.everyMs
    await this.#settings.operation(new CallState(new CallRoot(host, key, 0), scope, 1, deadline))
    // Cut: it answered too late, and another check is under way.
    if (scope.cut === undefined && this.#breaker.healthCheckSucceeded(outage, this.#clock.now())) this.#onClosed()
  }

  #cut(): void {
    this.#scope?.cutOff({ by: 'escudo', reason: new Error('the health check took longer than the time between two') })
    this.#scope = undefined
  }
}
