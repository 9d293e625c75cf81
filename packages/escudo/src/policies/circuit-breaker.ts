import { withAmbient } from '../core/ambient.ts'
import { type Call, scopeOf } from '../core/call.ts'
import { type CancelTimer, type Clock, systemClock } from '../core/clock.ts'
import { stackless } from '../core/errors.ts'
import { type BreakerState, type Countable, type Listener, tell, warn } from '../core/events.ts'
import { checkedName, knownKeys, optionalFunction } from '../core/options.ts'
import type { Classify, Verdict } from '../core/outcome.ts'
import { type Binding, type Operation, type Policy, type PolicyStatus, type Run, unbound } from '../core/policy.ts'
import { type Cut, Watcher } from '../core/scope.ts'
import { Breaker } from '../mechanisms/breaker.ts'
import type { Transition } from '../mechanisms/breaker-settings.ts'
import type { Ticket } from '../mechanisms/ticket.ts'
import { transitionsOf } from '../mechanisms/transitions.ts'
import { failureRate } from '../mechanisms/trip.ts'
import { type CircuitBreakerOptions, readHalfOpen, readOpenTime, readTrip } from './circuit-breaker-options.ts'
import { CircuitOpenError } from './circuit-open-error.ts'
import { judgeError, judgeValue } from './judge.ts'

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
    const trip = readTrip(options.trip ?? failureRate())
    this.name = checkedName(options.name ?? PATH, `${PATH}.name`)
    this.#classify = optionalFunction(options.classify, `${PATH}.classify`)
    const openTime = readOpenTime(options.openFor ?? '10s')
    const halfOpen = readHalfOpen(options.halfOpen ?? {})
    this.countable = { outcomes: VERDICTS, transitions: transitionsOf(trip) }
    const onTransition = (change: StateChange): void => this.#changed(change)
    this.#breaker = new Breaker({ trip, openTime, halfOpen, mode: 'enforce', ramp: undefined, onTransition })
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

  status(now: number): PolicyStatus {
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
    this.#bindings.push(binding)
    if (this.#bindings.length === BINDINGS_DOUBTFUL) {
      warn(
        `the circuit breaker '${this.name}' is part of ${BINDINGS_DOUBTFUL} shields: build a shield once and not for every call`,
        'ESCUDO_SHIELDS',
      )
    }
    const clock = binding.clock
    this.#clock = clock
    const breaker = this.#breaker
    const classify = this.#classify as Classify | undefined

    const admitted: AdmittedRun = async (call, operation, ticket) => {
      const scope = scopeOf(call)
      // Without a scope nothing can cut the call, and its result alone settles the ticket.
      const lease = scope === undefined ? undefined : new TicketLease((cut) => this.#cutShort(ticket, cut, binding))
      if (lease !== undefined && scope !== undefined) lease.watch(scope)
      let value: unknown
      let error: unknown
      let threw = false
      try {
        value = await next(call, operation)
      } catch (caught) {
        threw = true
        error = caught
      }
      // Judged out here, so that what a classifier throws is not taken for what the operation threw. Where it throws,
      // the ticket goes back as `ignored`: our own bug says nothing about the dependency.
      let verdict: Verdict = 'ignored'
      try {
        verdict = threw ? judgeError(classify, error, call) : judgeValue(classify, value, call)
      } finally {
        if (lease === undefined || lease.end()) this.#settle(ticket, verdict, binding)
      }
      if (threw) throw error
      return value as never
    }

    return (call, operation) => {
      const ticket = breaker.freePass ?? breaker.tryAcquire(clock.now(), call.random)
      // A rejected promise, and no throw within an async function, which costs as much again: refusals are the hot
      // path of an outage.
      if (ticket === undefined) return Promise.reject(this.#refuse(binding))
      if (ticket.probe) this.#armTimer()
      return admitted(call, operation, ticket)
    }
  }

  #cutShort(ticket: Ticket, cut: Cut, binding: Binding): void {
    const verdict = cut.by === 'caller' ? 'ignored' : 'failure'
    this.#giveBack(ticket, verdict)
    if (binding.events.hearsExecuted) executed(binding, verdict)
  }

  #settle(ticket: Ticket, verdict: Verdict, binding: Binding): void {
    const counted = this.#giveBack(ticket, verdict)
    if (binding.events.hearsExecuted) executed(binding, verdict)
    if (counted || verdict === 'ignored' || !binding.events.hears('late')) return
    binding.events.emit('late', { shield: binding.shield, policy: binding.policy, verdict })
  }

  #giveBack(ticket: Ticket, verdict: Verdict): boolean {
    const counted = this.#breaker.settle(ticket, verdict, this.#clock.now())
    // A probe took its lease with it.
    if (ticket.probe) this.#armTimer()
    return counted
  }

  #refuse(binding: Binding): CircuitOpenError {
    const retryAfterMs = this.#breaker.retryAfterMs(this.#clock.now())
    const { shield, policy, events } = binding
    if (events.hears('rejected')) events.emit('rejected', { shield, policy, code: 'CIRCUIT_OPEN', retryAfterMs })
    const make = (): CircuitOpenError => new CircuitOpenError(binding, retryAfterMs)
    return binding.stacks ? make() : stackless(make)
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

/** A function of its own, so that the one that runs at every call stays small. */
function executed({ events, shield, policy }: Binding, outcome: Verdict): void {
  events.emit('executed', { type: 'executed', shield, policy, policyType: PATH, outcome, attempts: 1 })
}

type AdmittedRun = <T>(call: Call, operation: Operation<T>, ticket: Ticket) => Promise<T>

/** A ticket whose call can be cut off: then it is settled at once, whether or not the operation listens. */
class TicketLease extends Watcher {
  readonly #settle: (cut: Cut) => void
  #open = true

  constructor(settle: (cut: Cut) => void) {
    super()
    this.#settle = settle
  }

  override onCut(cut: Cut): void {
    if (this.end()) this.#settle(cut)
  }

  /** Ends the lease; true for the one who ended it, and so has to settle the ticket. */
  end(): boolean {
    this.unwatch()
    const wasOpen = this.#open
    this.#open = false
    return wasOpen
  }
}
