import { withAmbient } from '../core/ambient.ts'
import type { CallRoot, CallState } from '../core/call.ts'
import { type CancelTimer, type Clock, systemClock } from '../core/clock.ts'
import { stackless } from '../core/errors.ts'
import { type BreakerState, type Countable, type Listener, tell, warn } from '../core/events.ts'
import { passError, Trail } from '../core/frame.ts'
import { type Layer, wrapped } from '../core/layer.ts'
import { checkedName, knownKeys, optionalFunction } from '../core/options.ts'
import type { Classify, Verdict } from '../core/outcome.ts'
import { type Binding, LAYER, type Policy, type PolicyStatus, type Run, unbound } from '../core/policy.ts'
import { leaveNote } from '../core/story.ts'
import { Breaker, type Ticket, type Transition } from '../mechanisms/breaker.ts'
import { transitionsOf } from '../mechanisms/transitions.ts'
import { failureRate } from '../mechanisms/trip.ts'
import { type BreakerContext, BreakerFrame } from './circuit-breaker-frame.ts'
import { type CircuitBreakerOptions, checkedTrip, readHalfOpen, readOpenTime } from './circuit-breaker-options.ts'
import { CircuitOpenError } from './circuit-open-error.ts'

/** A change of a breaker's state. `at` is on the breaker's clock. */
export type StateChange = Transition

/** A circuit breaker, as a policy and as something to look at and to act upon. */
export interface CircuitBreaker<R = unknown> extends Policy<R> {
  /** `half-open` as soon as the open time is over, also before the next call. */
  readonly state: BreakerState
  /** Refuses every call, until {@link reset}. */
  isolate(): void
  /** Closes, also from isolated and disabled. */
  reset(): void
  /** Lets every call through and counts nothing, until {@link reset}. */
  disable(): void
  /** Hears each change of state. Returns the function that unsubscribes. */
  on(event: 'stateChange', listener: Listener<StateChange>): () => void
}

/**
 * Stops calling a dependency that fails: after enough failures calls are refused at once with {@link CircuitOpenError},
 * and after a while a few probes find out whether it is back.
 *
 * One breaker may stand in several shields that call the same dependency. A business error, the caller's own abort and
 * a refusal by a policy further in count neither way; an attempt cut off by a timeout further out is a failure.
 * Semantics after Nygard's "Release It!", Polly v8 and resilience4j; generations after sony/gobreaker.
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

class CircuitBreakerPolicy<R> implements CircuitBreaker<R> {
  readonly name: string
  readonly type = PATH
  readonly settings = {}
  readonly countable: Countable
  readonly #classify: Classify<R> | undefined
  readonly #breaker: Breaker
  readonly #bindings: Binding[] = []
  readonly #listeners = new Set<Listener<StateChange>>()
  /** Changes that listeners have not heard of yet; the first of them is being told. */
  readonly #untold: StateChange[] = []
  #clock: Clock = systemClock
  #cancelTimer: CancelTimer | undefined

  constructor(options: CircuitBreakerOptions<R>) {
    knownKeys(options, PATH, ['trip', 'openFor', 'halfOpen', 'classify', 'name'])
    const trip = checkedTrip(options.trip ?? failureRate())
    this.name = checkedName(options.name ?? PATH, `${PATH}.name`)
    this.#classify = optionalFunction(options.classify, `${PATH}.classify`)
    const openTime = readOpenTime(options.openFor ?? '10s')
    const halfOpen = readHalfOpen(options.halfOpen ?? {})
    this.countable = { outcomes: VERDICTS, transitions: transitionsOf(trip.reason) }
    this.#breaker = new Breaker(trip.create(), trip.reason, openTime, halfOpen, (change) => this.#changed(change))
  }

  get state(): BreakerState {
    this.#breaker.advance(this.#clock.now())
    return this.#breaker.state
  }

  isolate(): void {
    this.#breaker.isolate(this.#clock.now())
  }

  reset(): void {
    this.#breaker.reset(this.#clock.now())
  }

  disable(): void {
    this.#breaker.disable(this.#clock.now())
  }

  on(_event: 'stateChange', listener: Listener<StateChange>): () => void {
    const own: Listener<StateChange> = (change) => listener(change)
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }

  status(now: number): BreakerStatus {
    this.#breaker.advance(now)
    const { state, openedMs } = this.#breaker
    const retryAfterMs = this.#breaker.retryAfterMs(now)
    return {
      state,
      failures: this.#breaker.failures(now),
      calls: this.#breaker.calls(now),
      ...(openedMs === undefined ? {} : { openedAt: openedMs }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }
  }

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    return wrapped(this[LAYER], next, binding)
  }

  readonly [LAYER] = (next: Layer, binding: Binding): Layer => {
    this.#bindings.push(binding)
    if (this.#bindings.length === BINDINGS_DOUBTFUL) {
      warn(
        `the circuit breaker '${this.name}' is part of ${BINDINGS_DOUBTFUL} shields: build a shield once and not for every call`,
        'ESCUDO_SHIELDS',
      )
    }
    this.#clock = binding.clock
    const breaker = this.#breaker
    const context: BreakerContext = {
      binding,
      classify: this.#classify as Classify | undefined,
      settle: (ticket, verdict) => this.#settle(ticket, verdict),
      note: (root) => void this.#note(root, binding),
    }
    return {
      enter: (call, operation, outer) => {
        const ticket = breaker.freePass ?? breaker.tryAcquire(binding.clock.now())
        if (ticket === undefined) return passError(outer, this.#refuse(call, binding), new Trail(call.root))
        if (ticket.probe) this.#armTimer()
        const frame = new BreakerFrame(outer, call, ticket, context)
        // Without a scope nothing can cut the call, and its outcome alone settles the ticket.
        if (call.scope !== undefined) frame.watch(call.scope)
        return next.enter(call, operation, frame)
      },
    }
  }

  /** Gives a ticket back; false for a result that came too late to count. */
  #settle(ticket: Ticket, verdict: Verdict): boolean {
    const counted = this.#breaker.settle(ticket, verdict, this.#clock.now())
    // A probe took its lease with it.
    if (ticket.probe) this.#armTimer()
    return counted
  }

  #refuse(call: CallState, binding: Binding): CircuitOpenError {
    const { retryAfterMs } = this.#note(call.root, binding)
    const { shield, policy, events } = binding
    if (events.hears('rejected')) events.emit('rejected', { shield, policy, code: 'CIRCUIT_OPEN', retryAfterMs })
    const make = (): CircuitOpenError => new CircuitOpenError(binding, retryAfterMs)
    return binding.stacks ? make() : stackless(make)
  }

  /** Notes the state as it is, for whoever asks what happened to the call. */
  #note(root: CallRoot, { policy }: Binding): BreakerStatus {
    const now = this.#clock.now()
    const facts = this.status(now)
    const { state, retryAfterMs } = facts
    leaveNote(root, {
      policy,
      state,
      facts,
      ...(retryAfterMs === undefined ? {} : { retryAt: now + retryAfterMs }),
    })
    return facts
  }

  /** Tells everybody, one change after the other: a listener may act on the breaker, and so make the next change. */
  #changed(change: StateChange): void {
    this.#armTimer()
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

  /** Time alone changes an open circuit, and listeners hear of it then, not at the next call. */
  #armTimer(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const dueMs = this.#breaker.nextChangeMs()
    if (dueMs === undefined) return
    const fire = (): void => {
      this.#breaker.advance(this.#clock.now())
      this.#armTimer()
    }
    const delayMs = Math.max(0, dueMs - this.#clock.now())
    // Outside of the request that happened to open the circuit, and in the background: it holds no process alive.
    this.#cancelTimer = withAmbient(undefined, () => this.#clock.setTimer(fire, delayMs, { background: true }))
  }
}
