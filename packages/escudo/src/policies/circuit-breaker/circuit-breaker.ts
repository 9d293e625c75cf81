import type { Binding } from '../../core/binding.ts'
import type { CallRoot } from '../../core/engine/call.ts'
import { Failure, passFailure } from '../../core/engine/frame.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { type BreakerState, type Countable, type Listener, warn } from '../../core/events/events.ts'
import { addNote } from '../../core/explain/notes.ts'
import type { Verdict } from '../../core/outcome.ts'
import { LAYER, type Policy, type PolicyStatus } from '../../core/policy.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { refusal } from '../shared/refusal.ts'
import { Circuits, type StateChange } from './circuits.ts'
import { CircuitOpenError } from './errors.ts'
import { type BreakerContext, BreakerFrame } from './frame.ts'
import { type CircuitBreakerOptions, type CircuitBreakerSettings, readCircuitBreaker } from './options.ts'
import type { Breaker } from './state/breaker.ts'
import type { SavedBreaker } from './state/saved-breaker.ts'
import { transitionsOf } from './state/transitions.ts'

/** A circuit breaker, as a policy and as something to look at and to act upon. */
export interface CircuitBreaker<R = unknown> extends Policy<R> {
  /**
   * `half-open` as soon as the open time is over, also before the next call. Where there is a circuit for each key, that
   * of calls without one.
   */
  readonly state: BreakerState
  /** The state of a key's circuit, where there is one for each. A key that nobody has used is what a new one would be. */
  stateOf(key: string): BreakerState
  /** Refuses every call, until {@link reset}. Of one key, or of all of them, those included that come later. */
  isolate(key?: string): void
  /** Closes, also from isolated and disabled. Of one key, or of all of them. */
  reset(key?: string): void
  /** Lets every call through and counts nothing, until {@link reset}. Of one key, or of all of them. */
  disable(key?: string): void
  /**
   * The state as plain data, for the option `restore` of a breaker in another process: the open time that is left, and
   * no instant of this clock. What the window counted is not saved.
   */
  save(key?: string): SavedBreaker
  /** Hears each change of state. Returns the function that unsubscribes. */
  on(event: 'stateChange', listener: Listener<StateChange>): () => void
}

/**
 * Stops calling a dependency that fails: after enough failures calls are refused at once with {@link CircuitOpenError},
 * and after a while a few probes find out whether it is back.
 *
 * One breaker may stand in several shields that call the same dependency. A business error, the caller's own abort and
 * a refusal by a policy further in count neither way; an attempt cut off by a timeout further out is a failure.
 * A dependency's Retry-After (the error's `retryAfterMs`) keeps the circuit open that long, at most 60 s. With `perKey`
 * there is a circuit for each `call.key`, the least recently used forgotten first; one that is not closed only when
 * nothing else can go. Semantics after Nygard's "Release It!", Polly v8 and resilience4j; generations after sony/gobreaker.
 *
 * @throws ConfigurationError for an option that cannot work
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
// A breaker tells every shield that it is part of, so it holds them; that many are not meant.
const BINDINGS_DOUBTFUL = 1_000

interface BreakerStatus extends PolicyStatus {
  readonly state: BreakerState
  readonly retryAfterMs?: number
}

class CircuitBreakerPolicy<R> extends LayerPolicy implements CircuitBreaker<R> {
  readonly name: string
  readonly type = PATH
  readonly settings: Readonly<Record<string, number>>
  readonly countable: Countable
  readonly #settings: CircuitBreakerSettings<R>
  readonly #circuits: Circuits

  constructor(options: CircuitBreakerOptions<R>) {
    super()
    const settings = readCircuitBreaker(options)
    this.name = settings.name
    this.#settings = settings
    const { slowerThanMs, needs } = settings.trip
    this.settings = {
      leaseMs: settings.halfOpen.leaseMs,
      ...(slowerThanMs === undefined ? {} : { slowerThanMs }),
      ...(needs === undefined ? {} : { minimumCalls: needs.calls, windowMs: needs.withinMs }),
    }
    this.countable = {
      outcomes: VERDICTS,
      transitions: transitionsOf(settings.trip, settings.healthCheck !== undefined),
    }
    this.#circuits = new Circuits(settings)
    if (settings.restore !== undefined) this.#circuits.restore(settings.restore)
  }

  get state(): BreakerState {
    return this.#stateOf(undefined)
  }

  stateOf(key: string): BreakerState {
    return this.#stateOf(key)
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
    return this.#circuits.at(key).save(this.#now())
  }

  on(event: 'stateChange', listener: Listener<StateChange>): () => void {
    if (event !== 'stateChange') throw new TypeError(`there is no event '${String(event)}'; there is: stateChange`)
    return this.#circuits.on(listener)
  }

  status(now: number): PolicyStatus {
    const { keys } = this.#circuits
    const status = statusOf(this.#circuits.at(undefined), now)
    return keys === undefined ? status : { ...status, keys }
  }

  [LAYER](next: Layer, binding: Binding): Layer {
    const circuits = this.#circuits
    const bindings = circuits.bind(binding)
    if (bindings === BINDINGS_DOUBTFUL) {
      warn(
        `the circuit breaker '${this.name}' is part of ${BINDINGS_DOUBTFUL} shields: build a shield once and not for every call`,
        'ESCUDO_SHIELDS',
      )
    }
    const { clock } = binding
    const context: BreakerContext = {
      binding,
      classify: this.#settings.classify as BreakerContext['classify'],
      timed: this.#settings.trip.slowerThanMs !== undefined,
      circuits,
      note: (root, breaker, now) => void note(root, breaker, now, binding),
    }
    return {
      enter(call, operation, outer) {
        const breaker = circuits.of(call.root.key)
        let ticket = breaker.sharedPermit
        if (ticket === undefined) {
          const now = clock.now()
          ticket = breaker.tryAcquire(now, call.root.host.random)
          if (ticket === undefined) {
            return passFailure(outer, new Failure(refuse(call.root, breaker, now, binding), call.root))
          }
          if (ticket.probe) circuits.rearm(breaker)
        }
        const frame = new BreakerFrame(outer, call, breaker, ticket, context)
        // Without a scope nothing can cut the call, and its outcome alone settles the ticket.
        if (call.scope !== undefined) frame.watch(call.scope)
        return next.enter(call, operation, frame)
      },
    }
  }

  #stateOf(key: string | undefined): BreakerState {
    const breaker = this.#circuits.at(key)
    breaker.advance(this.#now())
    return breaker.state
  }

  #now(): number {
    return this.#circuits.clock.now()
  }
}

function statusOf(breaker: Breaker, now: number): BreakerStatus {
  breaker.advance(now)
  const { state, openedMs: openedAt } = breaker
  const failures = breaker.failures(now)
  const calls = breaker.calls(now)
  const retryAfterMs = breaker.retryAfterMs(now)
  // Closed for good, isolated or disabled.
  if (retryAfterMs === undefined) return { state, failures, calls }
  if (openedAt !== undefined) return { state, failures, calls, openedAt, retryAfterMs }
  return { state, failures, calls, admitting: breaker.admitting(now), retryAfterMs }
}

/** Notes the state as it is, for whoever asks what happened to the call. */
function note(root: CallRoot, breaker: Breaker, now: number, { policy }: Binding): BreakerStatus {
  const facts = statusOf(breaker, now)
  const { state, retryAfterMs } = facts
  addNote(
    root,
    retryAfterMs === undefined ? { policy, state, facts } : { policy, state, facts, retryAt: now + retryAfterMs },
  )
  return facts
}

function refuse(root: CallRoot, breaker: Breaker, now: number, binding: Binding): CircuitOpenError {
  const { state, retryAfterMs } = note(root, breaker, now, binding)
  return refusal(binding, () => new CircuitOpenError(binding, retryAfterMs, state))
}
