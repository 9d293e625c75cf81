import type { Binding } from '../../core/binding.ts'
import { type CallState, enteredMs } from '../../core/engine/call.ts'
import { Failure, type Frame, type FrameResult, passFailure } from '../../core/engine/frame.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { type BreakerState, type Countable, type Listener, MANUAL_TRIP, warn } from '../../core/events/events.ts'
import type { Operation } from '../../core/operation.ts'
import { checkedName } from '../../core/options/options.ts'
import type { Verdict } from '../../core/outcome.ts'
import type { OptionsChange, PolicyOptions, PolicyStatus } from '../../core/policy.ts'
import type { SharedCircuit } from '../../core/shared-state.ts'
import { withTimes } from '../../core/wall-time.ts'
import { ChangeableOptions } from '../shared/changeable-options.ts'
import { whileHolding } from '../shared/enclosures.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { CIRCUIT_BREAKER_RULES, type OrderRule } from '../shared/order-rules.ts'
import type { CircuitBreaker } from './circuit-breaker-type.ts'
import { Circuits, type StateChange } from './circuits.ts'
import { CircuitOpenError } from './errors.ts'
import { joinFleet } from './fleet-circuit.ts'
import { type BreakerContext, BreakerFrame } from './frame.ts'
import { type CircuitBreakerOptions, type CircuitBreakerSettings, readCircuitBreaker } from './options.ts'
import { ProbeFrame } from './probe-frame.ts'
import { RiddenProbe, tryRide } from './ridden-probe.ts'
import { RiderFrame } from './rider-frame.ts'
import { slowLimits } from './slow-timer.ts'
import type { Breaker } from './state/breaker.ts'
import type { ProbePermit } from './state/permit.ts'
import type { SavedBreaker } from './state/saved-breaker.ts'
import { transitionsOf } from './state/transitions.ts'
import { slowLimitsOf } from './state/trips/trip-rule.ts'
import { noteState, refuse, statusOf } from './status.ts'

export type { CircuitBreaker } from './circuit-breaker-type.ts'

/**
 * Stops calls to a dependency that fails, and detects when it has recovered.
 *
 * After enough failures the circuit opens: calls are rejected immediately with {@link CircuitOpenError}. When the open
 * period ends, a few probes go through and decide whether the circuit closes. One breaker may be part of several
 * shields of the same dependency.
 *
 * - Not counted: business errors, the caller's abort, and refusals by policies inside the breaker.
 * - A failure: an attempt that an outer timeout cancels, even if the operation ignores its signal.
 * - A call inside a call that holds a probe is part of that probe: it goes through, one at a time, and only the outcome
 *   of the outer call counts. This needs a runtime that follows asynchronous calls (`AsyncLocalStorage`).
 * - The dependency's Retry-After (the error's `retryAfterMs`) extends the open period; it counts as 60 s at most.
 * - With `perKey` there is one circuit per `call.key`. The least recently used key with a closed circuit is evicted
 *   first; a key whose circuit is not closed is evicted only if no circuit is closed.
 *
 * Semantics after Nygard's "Release It!", Polly v8 and resilience4j; generations after sony/gobreaker.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { circuitBreaker, consecutive, shield } from 'escudo'
 *
 * const breaker = circuitBreaker({ trip: consecutive(3), openFor: '10s' })
 * const payments = shield('payments', breaker)
 * breaker.on('stateChange', ({ from, to }) => console.warn(`payments: ${from} -> ${to}`))
 * await payments.run(() => 'paid')
 * console.log(breaker.state) // closed
 * ```
 */
export function circuitBreaker<R = unknown>(options: CircuitBreakerOptions<R> = {}): CircuitBreaker<R> {
  return new CircuitBreakerPolicy(options)
}

const PATH = 'circuitBreaker'
const VERDICTS: readonly Verdict[] = ['success', 'failure', 'ignored']
// A breaker keeps a reference to each of its shields, to emit its events there. This many are probably a leak: a shield
// that is built for every call.
const SHIELDS_BEFORE_WARNING = 1_000

class CircuitBreakerPolicy<R> extends LayerPolicy implements CircuitBreaker<R> {
  readonly name: string
  readonly type = PATH
  settings: Readonly<Record<string, number>>
  countable: Countable
  readonly #options: ChangeableOptions<CircuitBreakerOptions<R>>
  #settings: CircuitBreakerSettings<R>
  readonly #circuits: Circuits
  /** Undefined unless the circuit is shared, and part of a shield. */
  #shared: SharedCircuit | undefined

  constructor(options: CircuitBreakerOptions<R>) {
    super()
    const settings = readCircuitBreaker(options)
    this.name = settings.name
    this.#options = new ChangeableOptions(options, PATH, ['perKey', 'restore', 'shared', 'quorum'])
    this.#settings = settings
    this.settings = comparedSettings(settings)
    this.countable = countableOf(settings)
    this.#circuits = new Circuits(settings)
    if (settings.restore !== undefined) this.#circuits.restore(settings.restore)
  }

  get state(): BreakerState {
    return this.#stateOf(undefined)
  }

  stateOf(key: string): BreakerState {
    return this.#stateOf(key)
  }

  trip(reason?: string, key?: string): void {
    const text = reason === undefined ? MANUAL_TRIP : `${MANUAL_TRIP}: ${checkedName(reason, 'trip.reason')}`
    this.#circuits.act(key, 'as it is', (breaker) => breaker.trip(this.#now(), text))
  }

  isolate(key?: string): void {
    this.#circuits.act(key, 'isolated', (breaker) => breaker.isolate(this.#now()))
  }

  reset(key?: string): void {
    this.#circuits.act(key, undefined, (breaker) => breaker.reset(this.#now()))
  }

  disable(key?: string): void {
    this.#circuits.act(key, 'disabled', (breaker) => breaker.disable(this.#now()))
  }

  save(key?: string): SavedBreaker {
    return this.#circuits.peek(key).save(this.#now())
  }

  on(event: 'stateChange', listener: Listener<StateChange>): () => void {
    if (event !== 'stateChange') throw new TypeError(`unknown event '${String(event)}', expected 'stateChange'`)
    return this.#circuits.on(listener)
  }

  status(now: number): PolicyStatus {
    const { clock, keys } = this.#circuits
    const status = withTimes(statusOf(this.#circuits.peek(undefined), this.#circuits.instant(now)), clock)
    return keys === undefined ? status : { ...status, keys }
  }

  reconfigure(given: PolicyOptions): OptionsChange {
    return this.#options.change(given, (options) => {
      const changed = readCircuitBreaker(options)
      const settings = comparedSettings(changed)
      const apply = (): void => {
        this.#settings = changed
        this.settings = settings
        this.countable = countableOf(changed)
        this.#circuits.reconfigure(changed)
      }
      return { apply, settings }
    })
  }

  protected override get orderRules(): readonly OrderRule[] {
    return CIRCUIT_BREAKER_RULES
  }

  layer(next: Layer, binding: Binding): Layer {
    const circuits = this.#circuits
    const shields = circuits.bind(binding)
    if (shields === SHIELDS_BEFORE_WARNING) {
      warn(
        `the circuit breaker '${this.name}' is part of ${SHIELDS_BEFORE_WARNING} shields: build each shield once, not for every call`,
        'ESCUDO_SHIELDS',
      )
    }
    const refuseCall = this.#joined(binding)
    const context: BreakerContext = {
      binding,
      classify: this.#settings.classify as BreakerContext['classify'],
      observes: this.#settings.mode === 'observe',
      slowLimits: slowLimits(binding.clock, slowLimitsOf(this.#settings.trip)),
      circuits,
      note: (root, breaker, now) => void noteState(root, breaker, now, binding),
      refuse: (root, breaker) => {
        const now = binding.clock.now()
        breaker.advance(now)
        return refuseCall(root, breaker, now, binding)
      },
    }
    return {
      enter(call, operation, outer) {
        const breaker = circuits.use(call.root.key)
        let permit = breaker.sharedPermit
        if (permit === undefined) {
          const now = enteredMs(call)
          // A call rides only on a probe in flight, so an open circuit need not be looked at.
          const ride = breaker.state === 'half-open' ? tryRide(breaker, now) : undefined
          if (ride !== undefined) return enterRiding(ride, call, operation, outer, context, next)
          try {
            permit = breaker.tryAcquire(now, call.root.host.random)
          } catch (error) {
            // A custom source of random numbers threw. Outer policies must still release their permits.
            return passFailure(outer, new Failure(error, call.root))
          }
          if (permit === undefined) {
            circuits.reviveCheck(breaker)
            return passFailure(outer, new Failure(refuseCall(call.root, breaker, now, binding), call.root))
          }
          if (permit.probe) {
            circuits.rearm(breaker)
            return enterProbing(permit as ProbePermit, breaker, call, operation, outer, context, next)
          }
        }
        const frame = new BreakerFrame(outer, call, breaker, permit, context)
        // A call without a scope cannot be cancelled: only its outcome settles the permit.
        frame.watch(call.scope)
        return next.enter(call, operation, frame)
      },
    }
  }

  /** Joins the fleet, if the circuit is shared. Returns how to refuse a call: the fleet hears of the first one. */
  #joined(binding: Binding): typeof refuse {
    const { sharing } = this.#settings
    if (sharing === undefined) return refuse
    this.#shared ??= joinFleet(sharing, this.#circuits, binding, () => this.#settings)
    const shared = this.#shared
    return (root, breaker, now, bound) => {
      shared.refused(now)
      return refuse(root, breaker, now, bound)
    }
  }

  #stateOf(key: string | undefined): BreakerState {
    const breaker = this.#circuits.peek(key)
    breaker.advance(this.#now())
    return breaker.state
  }

  #now(): number {
    return this.#circuits.clock.now()
  }
}

/** What the checks of a shield compare. */
function comparedSettings({ trip, halfOpen }: CircuitBreakerSettings<never>): Readonly<Record<string, number>> {
  const { slowerThanMs, minimum } = trip
  return {
    leaseMs: halfOpen.leaseMs,
    ...(slowerThanMs === undefined ? {} : { slowerThanMs }),
    ...(minimum === undefined ? {} : { minimumCalls: minimum.calls, windowMs: minimum.withinMs }),
  }
}

function countableOf({ trip, healthCheck, sharing }: CircuitBreakerSettings<never>): Countable {
  return { outcomes: VERDICTS, transitions: transitionsOf(trip, healthCheck !== undefined, sharing !== undefined) }
}

/** Enters the inner layers with the permit of a probe. Calls of the same circuit made there ride on the probe. */
function enterProbing(
  permit: ProbePermit,
  breaker: Breaker,
  call: CallState,
  operation: Operation<unknown>,
  outer: Frame,
  context: BreakerContext,
  next: Layer,
): FrameResult {
  const frame = new ProbeFrame(outer, call, breaker, permit, context)
  frame.watch(call.scope)
  return whileHolding(new RiddenProbe(breaker, permit), () => next.enter(frame.probingCall, operation, frame))
}

/** Enters the inner layers without a permit, as a part of the probe of a call around this one. */
function enterRiding(
  ride: RiddenProbe,
  call: CallState,
  operation: Operation<unknown>,
  outer: Frame,
  context: BreakerContext,
  next: Layer,
): FrameResult {
  const frame = new RiderFrame(outer, call, ride, context)
  frame.watch(call.scope)
  return whileHolding(ride, () => next.enter(frame.ridingCall, operation, frame))
}
