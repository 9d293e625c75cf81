import type { Binding } from '../../core/binding.ts'
import type { CancelTimer, Clock } from '../../core/clock.ts'
import { type Listener, notify } from '../../core/events/events.ts'
import { requiredFunction } from '../../core/options/options.ts'
import type { Random } from '../../core/random.ts'
import { withTimes } from '../../core/wall-time.ts'
import { backgroundTimer } from '../shared/background-timer.ts'
import { KeyedStates } from '../shared/state/keyed-states.ts'
import { HealthCheck, type HealthCheckSettings } from './health-check.ts'
import { Breaker } from './state/breaker.ts'
import type { SavedBreaker } from './state/saved-breaker.ts'
import type { BreakerSettings, Transition } from './state/settings.ts'

/** A change of a circuit's state. `at` is in milliseconds on the breaker's clock. */
export interface StateChange extends Transition {
  /** The key of the circuit, if there is one circuit per key. */
  readonly key?: string
  /** `at` in ISO 8601, if the clock is the system's. */
  readonly time?: string
}

/** The settings of all circuits of one policy. */
export interface CircuitsSettings extends Omit<BreakerSettings, 'onTransition'> {
  /** Undefined: one circuit for all calls. */
  readonly maxKeys: number | undefined
  readonly healthCheck: HealthCheckSettings | undefined
}

type ManualState = 'isolated' | 'disabled' | undefined

/** The settings that can change. All breakers read this one object. */
type ChangingSettings = { -readonly [Name in keyof BreakerSettings]: BreakerSettings[Name] }

/** The clock of a breaker that is not yet part of a shield: no time passes. */
const STOPPED_CLOCK: Clock = { now: () => 0, setTimer: () => () => {} }

/**
 * The circuits of one policy: one for all calls, or one per key.
 *
 * Adds the effects that the pure {@link Breaker} leaves out: timers, health checks and notifications. A closed circuit
 * has no timer and no health check, so a million keys cost no more than their breakers.
 *
 * An evicted circuit may still have calls in flight. Their results change nothing and emit no `stateChange`.
 */
export class Circuits {
  #healthCheck: HealthCheckSettings | undefined
  readonly #breakerSettings: ChangingSettings
  // Exactly one of the next two is set.
  readonly #single: Breaker | undefined
  readonly #keyed: KeyedStates<Breaker> | undefined
  readonly #timers = new Map<Breaker, { readonly dueMs: number; readonly cancel: CancelTimer }>()
  readonly #checks = new Map<Breaker, HealthCheck>()
  readonly #bindings = new Set<Binding>()
  readonly #listeners = new Set<Listener<StateChange>>()
  /** Changes that have not been emitted yet. */
  readonly #pendingChanges: StateChange[] = []
  /** Whether a running `#emitPending` or `act` emits the pending changes later. A new change is then only stored. */
  #deferring = false
  /** The state that `isolate()` or `disable()` without a key has set. Circuits created later start in it. */
  #manualState: ManualState
  #clock = STOPPED_CLOCK

  constructor(settings: CircuitsSettings) {
    this.#healthCheck = settings.healthCheck
    const onTransition: BreakerSettings['onTransition'] = (change, breaker) =>
      this.#onTransition(change, breaker as Breaker)
    const random: Random = () => this.#firstBinding?.random() ?? Math.random()
    this.#breakerSettings = { ...settings, random, onTransition }
    if (settings.maxKeys === undefined) this.#single = new Breaker(this.#breakerSettings)
    else
      this.#keyed = new KeyedStates(
        settings.maxKeys,
        (key) => this.#create(key),
        (breaker) => this.#onEvicted(breaker),
      )
  }

  get clock(): Clock {
    return this.#clock
  }

  /** Returns an instant of the shield's clock; before the first shield, that of the stopped clock. */
  instant(now: number): number {
    return this.#clock === STOPPED_CLOCK ? STOPPED_CLOCK.now() : now
  }

  /** The circuit for a call with this key. Counts as a use of the key. */
  use(key: string | undefined): Breaker {
    return this.#single ?? (this.#keyed as KeyedStates<Breaker>).use(key)
  }

  /** The circuit of a key, without using the key. For an unknown key: a new circuit, which is not stored. */
  peek(key: string | undefined): Breaker {
    return this.#single ?? this.#keyed?.peek(key) ?? this.#create(key)
  }

  /** The number of keys; undefined with one circuit for all calls. */
  get keys(): number | undefined {
    return this.#keyed?.size
  }

  /** Changes the settings of all circuits. A running health check continues until its circuit closes. */
  reconfigure(settings: CircuitsSettings): void {
    const { trip, openPeriod, halfOpen, mode, ramp } = settings
    const tripChanged = trip !== this.#breakerSettings.trip
    Object.assign(this.#breakerSettings, { trip, openPeriod, halfOpen, mode, ramp })
    this.#healthCheck = settings.healthCheck
    for (const breaker of this.#all()) {
      breaker.reconfigured(tripChanged)
      if (breaker.openPeriod !== undefined) this.rearm(breaker)
    }
  }

  /**
   * Applies a manual change to the circuit of a key, or to all circuits if there is no key.
   *
   * All circuits change before the first listener is notified. If a listener then changes a circuit, its change stays.
   */
  act(key: string | undefined, manualState: ManualState | 'as it is', change: (breaker: Breaker) => void): void {
    const all = key === undefined && this.#keyed !== undefined
    if (all && manualState !== 'as it is') this.#manualState = manualState
    const isOutermost = !this.#deferring
    this.#deferring = true
    try {
      for (const breaker of all ? this.#all() : [this.use(key)]) {
        change(breaker)
        this.rearm(breaker)
      }
    } finally {
      if (isOutermost) this.#emitPending()
    }
  }

  restore(saved: SavedBreaker): void {
    const breaker = this.use(undefined)
    breaker.restore(saved, this.#clock.now())
    this.rearm(breaker)
  }

  /**
   * Adds a shield that receives the events, once. The first shield's clock becomes the breaker's clock.
   *
   * @returns the number of shields
   */
  bind(binding: Binding): number {
    this.#bindings.add(binding)
    if (binding.clock !== this.#clock) this.#moveTo(binding.clock)
    return this.#bindings.size
  }

  on(listener: Listener<StateChange>): () => void {
    requiredFunction(listener, 'on.listener')
    // A new function per subscription: a listener that subscribes twice is notified twice.
    const subscription: Listener<StateChange> = (change) => listener(change)
    this.#listeners.add(subscription)
    return () => {
      this.#listeners.delete(subscription)
    }
  }

  /**
   * Updates the timer and the health check of a breaker after it may have changed.
   *
   * Call it whenever the breaker was or is in a state other than closed. Without the timer, a transition that depends
   * on time would be emitted only at the next call.
   */
  rearm(breaker: Breaker): void {
    if (!this.#isStored(breaker)) return
    const dueMs = breaker.nextChangeMs()
    const timer = this.#timers.get(breaker)
    // Keeps the timer if nothing has changed. This is frequent, for example at a call that `observe` lets through.
    if (timer?.dueMs !== dueMs) {
      timer?.cancel()
      this.#timers.delete(breaker)
      if (dueMs !== undefined) this.#arm(breaker, dueMs)
    }
    if (this.#healthCheck !== undefined || this.#checks.size > 0) this.#checkHealth(breaker)
  }

  /** Starts a health check again whose timer was lost. Called for each refusal. */
  reviveCheck(breaker: Breaker): void {
    if (this.#checks.size > 0) this.#checks.get(breaker)?.revive()
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

  get #firstBinding(): Binding | undefined {
    const [first] = this.#bindings
    return first
  }

  #checkHealth(breaker: Breaker): void {
    const running = this.#checks.get(breaker)
    const binding = this.#firstBinding
    const healthCheck = this.#healthCheck
    if (breaker.openPeriod === undefined) {
      this.#checks.delete(breaker)
      running?.stop()
    } else if (running === undefined && binding !== undefined && healthCheck !== undefined) {
      const check = new HealthCheck(breaker, healthCheck, binding, () => this.rearm(breaker))
      this.#checks.set(breaker, check)
      check.start()
    }
  }

  #create(key: string | undefined): Breaker {
    const breaker = new Breaker(this.#breakerSettings, key)
    if (this.#manualState !== undefined) breaker.restore({ state: this.#manualState }, this.#clock.now())
    return breaker
  }

  #all(): readonly Breaker[] {
    return this.#keyed?.states ?? [this.#single as Breaker]
  }

  /** False for an evicted breaker, and for one that `peek` created. */
  #isStored(breaker: Breaker): boolean {
    return this.#single === breaker || this.#keyed?.peek(breaker.key) === breaker
  }

  /** Starts a new generation, so that the results of the evicted key's calls in flight change nothing. */
  #onEvicted(breaker: Breaker): void {
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

  /** Converts every circuit to another clock. Happens once, because all shields of a breaker must have one clock. */
  #moveTo(clock: Clock): void {
    // Saved before the change of the clock: see `#onTransition`.
    const states = this.#all().map((breaker) => [breaker, breaker.save(this.#clock.now())] as const)
    this.#clock = clock
    for (const [breaker, saved] of states) {
      this.#disarm(breaker)
      breaker.restore(saved, clock.now())
      this.rearm(breaker)
    }
  }

  #onTransition(transition: Transition, breaker: Breaker): void {
    if (!this.#isStored(breaker)) return
    const { key } = breaker
    // A closed circuit may be evicted. Any other circuit is evicted only if no circuit is closed.
    if (transition.to === 'closed') this.#keyed?.release(key)
    else this.#keyed?.keep(key)
    // Without a clock there is no instant to report. The change is emitted when the breaker has the clock of a shield.
    if (transition.to === 'half-open' && this.#clock === STOPPED_CLOCK) return
    this.#pendingChanges.push(key === undefined ? transition : { ...transition, key })
    if (!this.#deferring) this.#emitPending()
  }

  /**
   * Emits the pending changes in their order.
   *
   * A listener may act on the breaker. The loop also emits the changes that this appends to the list, so every listener
   * receives all changes in the same order.
   */
  #emitPending(): void {
    this.#deferring = true
    for (const pending of this.#pendingChanges) {
      const change = withTimes(pending, this.clock)
      for (const listener of [...this.#listeners]) notify(listener, change)
      for (const { events, shield, policy } of this.#bindings) {
        if (events.hasListeners('stateChange')) events.emit('stateChange', { shield, policy, ...change })
      }
    }
    this.#pendingChanges.length = 0
    this.#deferring = false
  }
}
