import type { Binding } from '../../core/binding.ts'
import type { CancelTimer, Clock } from '../../core/clock.ts'
import { type Listener, notify } from '../../core/events/events.ts'
import { backgroundTimer } from '../shared/background-timer.ts'
import { KeyedStates } from '../shared/state/keyed-states.ts'
import { HealthCheck, type HealthCheckSettings } from './health-check.ts'
import { Breaker } from './state/breaker.ts'
import type { SavedBreaker } from './state/saved-breaker.ts'
import type { BreakerSettings, Transition } from './state/settings.ts'

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

type ManualState = 'isolated' | 'disabled' | undefined

// Of a breaker that is part of no shield yet, and so has no clock: there time stands still.
const STANDSTILL: Clock = { now: () => 0, setTimer: () => () => {} }

/**
 * The circuits of one policy, one for all calls or one for each key, with what the mechanism leaves to others: timers,
 * since time alone changes an open circuit; health checks; and telling everybody. A closed circuit has none of it, so
 * that a million keys cost no more than their breakers.
 *
 * A circuit whose key had to go may still have calls in flight. Their results come too late, and nothing of it is told.
 */
export class Circuits {
  readonly #settings: CircuitsSettings
  readonly #breakerSettings: BreakerSettings
  readonly #one: Breaker | undefined
  readonly #keyed: KeyedStates<Breaker> | undefined
  readonly #timers = new Map<Breaker, { readonly dueMs: number; readonly cancel: CancelTimer }>()
  readonly #checks = new Map<Breaker, HealthCheck>()
  readonly #bindings: Binding[] = []
  readonly #listeners = new Set<Listener<StateChange>>()
  /** Changes that listeners have not heard of yet. */
  readonly #untold: StateChange[] = []
  /** Whether changes wait until those before them have been told, or until all of them have been made. */
  #holding = false
  /** What an operator said of all keys: it holds for those that come later too. */
  #byHand: ManualState
  #clock = STANDSTILL

  constructor(settings: CircuitsSettings) {
    this.#settings = settings
    const onTransition: BreakerSettings['onTransition'] = (change, breaker) => this.#changed(change, breaker as Breaker)
    this.#breakerSettings = { ...settings, onTransition }
    if (settings.maxKeys === undefined) this.#one = new Breaker(this.#breakerSettings)
    else
      this.#keyed = new KeyedStates(
        settings.maxKeys,
        (key) => this.#make(key),
        (breaker) => this.#forget(breaker),
      )
  }

  get clock(): Clock {
    return this.#clock
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

  /**
   * Does something to the circuit of a key, or to all of them. All are changed before anybody hears of one: who hears of
   * it and acts in his turn has the last word.
   */
  act(key: string | undefined, byHand: ManualState, change: (breaker: Breaker) => void): void {
    const all = key === undefined && this.#keyed !== undefined
    if (all) this.#byHand = byHand
    const isOutermost = !this.#holding
    this.#holding = true
    try {
      for (const breaker of all ? this.#all() : [this.of(key)]) {
        if (!this.#has(breaker)) continue
        change(breaker)
        this.rearm(breaker)
      }
    } finally {
      if (isOutermost) this.#tell()
    }
  }

  restore(saved: SavedBreaker): void {
    const breaker = this.of(undefined)
    breaker.restore(saved, this.#clock.now())
    this.rearm(breaker)
  }

  /** Tells a shield of the changes too. The first one brings the clock, and from then on time passes. */
  bind(binding: Binding): number {
    this.#bindings.push(binding)
    if (binding.clock !== this.#clock) this.#moveTo(binding.clock)
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
    if (!this.#has(breaker)) return
    const dueMs = breaker.nextChangeMs()
    const timer = this.#timers.get(breaker)
    // Often called where nothing has changed: at each probe, and at each call that `observe` lets through.
    if (timer?.dueMs !== dueMs) {
      timer?.cancel()
      this.#timers.delete(breaker)
      if (dueMs !== undefined) this.#arm(breaker, dueMs)
    }
    if (this.#settings.healthCheck !== undefined) this.#checkHealth(breaker, this.#settings.healthCheck)
  }

  #arm(breaker: Breaker, dueMs: number): void {
    const fire = (): void => {
      this.#timers.delete(breaker)
      breaker.advance(this.#clock.now())
      this.rearm(breaker)
    }
    const cancel = backgroundTimer(this.#clock, fire, Math.max(0, dueMs - this.#clock.now()))
    this.#timers.set(breaker, { dueMs, cancel })
  }

  #checkHealth(breaker: Breaker, healthCheck: HealthCheckSettings): void {
    const running = this.#checks.get(breaker)
    const binding = this.#bindings[0]
    if (breaker.openPeriod === undefined) {
      this.#checks.delete(breaker)
      running?.stop()
    } else if (running === undefined && binding !== undefined) {
      const check = new HealthCheck(breaker, healthCheck, binding, () => this.rearm(breaker))
      this.#checks.set(breaker, check)
      check.start()
    }
  }

  #make(key: string | undefined): Breaker {
    const breaker = new Breaker(this.#breakerSettings, key)
    if (this.#byHand !== undefined) breaker.restore({ state: this.#byHand }, this.#clock.now())
    return breaker
  }

  #all(): Breaker[] {
    return this.#one === undefined
      ? [...(this.#keyed as KeyedStates<Breaker>).entries()].map(([, breaker]) => breaker)
      : [this.#one]
  }

  /** Whether its key has not had to go. */
  #has(breaker: Breaker): boolean {
    return this.#one === breaker || this.#keyed?.peek(breaker.key) === breaker
  }

  /** A key that is gone has nothing to wait for, and what is in flight of it belongs to what is forgotten. */
  #forget(breaker: Breaker): void {
    breaker.restore({ state: 'closed' }, this.#clock.now())
    this.#disarm(breaker)
  }

  #disarm(breaker: Breaker): void {
    const [timer, check] = [this.#timers.get(breaker), this.#checks.get(breaker)]
    this.#timers.delete(breaker)
    this.#checks.delete(breaker)
    timer?.cancel()
    check?.stop()
  }

  /** The clocks of two shields cannot differ; what there is before the first one was made without any. */
  #moveTo(clock: Clock): void {
    const earlier = this.#clock
    this.#clock = clock
    for (const breaker of this.#all()) {
      this.#disarm(breaker)
      breaker.restore(breaker.save(earlier.now()), clock.now())
      this.rearm(breaker)
    }
  }

  #changed(transition: Transition, breaker: Breaker): void {
    if (!this.#has(breaker)) return
    const { key } = breaker
    if (transition.to === 'closed') this.#keyed?.release(key)
    else this.#keyed?.keep(key)
    this.#untold.push(key === undefined ? transition : { ...transition, key })
    if (!this.#holding) this.#tell()
  }

  /** Tells everybody, one change after the other: a listener may act on the breaker, and so make the next change. */
  #tell(): void {
    this.#holding = true
    for (const change of this.#untold) {
      for (const listener of [...this.#listeners]) notify(listener, change)
      for (const { events, shield, policy } of this.#bindings) {
        if (events.hasListeners('stateChange')) events.emit('stateChange', { shield, policy, ...change })
      }
    }
    this.#untold.length = 0
    this.#holding = false
  }
}
