import { withAmbient } from '../core/ambient.ts'
import { type CancelTimer, type Clock, systemClock } from '../core/clock.ts'
import { type Listener, tell } from '../core/events.ts'
import type { Binding } from '../core/policy.ts'
import { Breaker } from '../mechanisms/breaker.ts'
import type { BreakerSettings, Transition } from '../mechanisms/breaker-settings.ts'
import { KeyedStates } from '../mechanisms/keyed-states.ts'
import type { SavedBreaker } from '../mechanisms/saved-breaker.ts'
import { HealthCheck, type HealthCheckSettings } from './health-check.ts'

/** A change of a breaker's state. `at` is on the breaker's clock. */
export interface StateChange extends Transition {
  /** Whose circuit it is, where there is one for each key. */
  readonly key?: string
}

/** What all circuits of one policy go by. */
export interface CircuitsSettings extends Omit<BreakerSettings, 'onTransition'> {
  /** Undefined: one circuit for all calls. */
  readonly maxKeys: number | undefined
  readonly healthCheck: HealthCheckSettings | undefined
}

/**
 * The circuits of one policy, one for all calls or one for each key, with what the mechanism leaves to others: timers,
 * since time alone changes an open circuit; health checks; and telling everybody. A closed circuit has none of it, so
 * that a million keys cost no more than their breakers.
 */
export class Circuits {
  readonly #settings: CircuitsSettings
  readonly #breakerSettings: BreakerSettings
  readonly #one: Breaker | undefined
  readonly #keyed: KeyedStates<Breaker> | undefined
  readonly #timers = new Map<Breaker, CancelTimer>()
  readonly #checks = new Map<Breaker, HealthCheck>()
  readonly #bindings: Binding[] = []
  readonly #listeners = new Set<Listener<StateChange>>()
  /** Changes that listeners have not heard of yet; the first of them is being told. */
  readonly #untold: StateChange[] = []
  /** What an operator said of all keys: it holds for those that come later too. */
  #byHand: 'isolated' | 'disabled' | undefined
  clock: Clock = systemClock

  constructor(settings: CircuitsSettings) {
    this.#settings = settings
    this.#breakerSettings = { ...settings, onTransition: (change, key) => this.#changed(change, key) }
    if (settings.maxKeys === undefined) this.#one = new Breaker(this.#breakerSettings)
    else
      this.#keyed = new KeyedStates(
        settings.maxKeys,
        (key) => this.#make(key),
        (breaker) => this.#forget(breaker),
      )
  }

  /** The circuit of a call with that key. This is a use of the key. */
  of(key: string | undefined): Breaker {
    return this.#one ?? (this.#keyed as KeyedStates<Breaker>).of(key)
  }

  /** The same for whoever only looks: of a key that nobody has used, a circuit as it would be, and which is not kept. */
  at(key: string | undefined): Breaker {
    return this.#one ?? this.#keyed?.peek(key) ?? this.#make(key)
  }

  /** How many keys there are; undefined where there is one circuit for all. */
  get keys(): number | undefined {
    return this.#keyed?.size
  }

  /** Does something to the circuit of a key, or to all of them. */
  act(key: string | undefined, byHand: 'isolated' | 'disabled' | undefined, change: (breaker: Breaker) => void): void {
    const all = key === undefined && this.#keyed !== undefined
    if (all) this.#byHand = byHand
    const breakers = all ? [...(this.#keyed as KeyedStates<Breaker>).entries()].map(([, one]) => one) : [this.of(key)]
    for (const breaker of breakers) {
      change(breaker)
      this.rearm(breaker)
    }
  }

  restore(saved: SavedBreaker): void {
    const breaker = this.of(undefined)
    breaker.restore(saved, this.clock.now())
    this.rearm(breaker)
  }

  /** Tells a shield of the changes too. */
  bind(binding: Binding): number {
    this.#bindings.push(binding)
    this.clock = binding.clock
    return this.#bindings.length
  }

  on(listener: Listener<StateChange>): () => void {
    const own: Listener<StateChange> = (change) => listener(change)
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }

  /**
   * To be called whenever a breaker may have changed other than by being closed all along. Time alone changes an open
   * circuit, and listeners hear of it then, not at the next call.
   */
  rearm(breaker: Breaker): void {
    this.#timers.get(breaker)?.()
    this.#timers.delete(breaker)
    const dueMs = breaker.nextChangeMs()
    if (dueMs !== undefined) {
      const fire = (): void => {
        breaker.advance(this.clock.now())
        this.rearm(breaker)
      }
      const delayMs = Math.max(0, dueMs - this.clock.now())
      // Outside of the request that happened to open the circuit, and in the background: it holds no process alive.
      const timer = withAmbient(undefined, () => this.clock.setTimer(fire, delayMs, { background: true }))
      this.#timers.set(breaker, timer)
    }
    this.#checkHealth(breaker)
  }

  #checkHealth(breaker: Breaker): void {
    const { healthCheck } = this.#settings
    if (healthCheck === undefined) return
    const running = this.#checks.get(breaker)
    if (breaker.outage === undefined) {
      running?.stop()
      this.#checks.delete(breaker)
    } else if (running === undefined) {
      const binding = this.#bindings[0]
      const check = new HealthCheck(breaker, healthCheck, this.clock, binding, () => this.rearm(breaker))
      this.#checks.set(breaker, check)
      check.start()
    }
  }

  #make(key: string | undefined): Breaker {
    const breaker = new Breaker(this.#breakerSettings, key)
    if (this.#byHand !== undefined) breaker.restore({ state: this.#byHand }, this.clock.now())
    return breaker
  }

  /** A key that is gone has nothing to wait for. */
  #forget(breaker: Breaker): void {
    this.#timers.get(breaker)?.()
    this.#timers.delete(breaker)
    this.#checks.get(breaker)?.stop()
    this.#checks.delete(breaker)
  }

  /** Tells everybody, one change after the other: a listener may act on the breaker, and so make the next change. */
  #changed(transition: Transition, key: string | undefined): void {
    if (transition.to === 'closed') this.#keyed?.release(key)
    else this.#keyed?.keep(key)
    const change: StateChange = key === undefined ? transition : { ...transition, key }
    this.#untold.push(change)
    if (this.#untold.length > 1) return
    for (let next: StateChange | undefined = change; next !== undefined; next = this.#untold[0]) {
      for (const listener of [...this.#listeners]) tell(listener, next)
      for (const { events, shield, policy } of this.#bindings) {
        if (events.hears('stateChange')) events.emit('stateChange', { shield, policy, ...next })
      }
      this.#untold.shift()
    }
  }
}
