import { synchronous } from '../errors/options/synchronous.ts'
import { BoundPolicy } from './bound-policy.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Composable, KeyOfAll, PutsOfAll, ReadsOfAll } from './composition.ts'
import { withCurrentCall } from './context/current-call.ts'
import { inheritedLeftMs } from './context/inherited-deadline.ts'
import { abortReason } from './engine/abort-reason.ts'
import { CallState, newCall } from './engine/call.ts'
import { type Host, newRoot } from './engine/call-root.ts'
import { callerScope, lastFrame, startTime } from './engine/call-times.ts'
import { deadlineExceeded } from './engine/caller-scope.ts'
import { END, Failure, type FrameResult, passFailure, rejectInMicrotask, toPromise } from './engine/frame.ts'
import { type Layer, operationLayer } from './engine/layer.ts'
import { notStarted } from './engine/not-started.ts'
import type { Origin } from './errors.ts'
import { hasCallWatchers } from './events/call-events.ts'
import { EventHub, type EventName, type Listener, type ShieldEvents, type ShieldLever } from './events/events.ts'
import { tellInOrder } from './events/lever-order.ts'
import { type ItemSource, iterate } from './iteration.ts'
import type { Operation } from './operation.ts'
import { checkedClock } from './options/clock.ts'
import { show, toMs } from './options/durations.ts'
import {
  checkedName,
  knownKeys,
  optionalFunction,
  requiredFunction,
  trueOrFalse,
  wholeNumber,
} from './options/options.ts'
import { checkedKey, checkedPriority, checkedSignal, checkRunOptions } from './options/run-options.ts'
import type { AnyPolicy } from './policy.ts'
import { type Reconfigurable, reconfigure } from './reconfigure.ts'
import { registerShield } from './registry.ts'
import type { AnyShield, NewOptions, RunOptions, Shield, ShieldOptions, ShieldStatus } from './shield-types.ts'
import { bindClock, checkShield, namePolicies, shieldOptions } from './validation.ts'
import { withTimes } from './wall-time.ts'

/**
 * Composes policies into the shield of one dependency. The first policy is the outermost.
 *
 * Recommended order: fallback, total timeout, retry, circuit breaker, bulkhead, attempt timeout. The circuit breaker
 * inside the retry then sees every attempt, and the total timeout bounds all attempts together.
 *
 * @param nameOrOptions the shield's name, or {@link ShieldOptions}
 * @param policies outermost first; composed once, here
 * @throws ConfigurationError if an option is invalid, or if the policies cannot work together. A doubtful order is
 * printed once, as a warning with the code `ESCUDO_ORDER`
 * @example
 * ```ts
 * import { circuitBreaker, exponential, fallback, retry, shield, timeout } from 'escudo'
 *
 * const inventory = shield(
 *   'inventory',
 *   fallback({ stock: null }),
 *   timeout('2s'),
 *   retry({ maxRetries: 1, backoff: exponential({ base: '100ms' }) }),
 *   circuitBreaker(),
 * )
 * const answer = await inventory.run(async ({ signal }) => {
 *   signal.throwIfAborted()
 *   return { stock: 42 }
 * })
 * // answer: { stock: number } | { stock: null }
 * ```
 */
export function shield<const Ps extends readonly AnyPolicy[]>(
  nameOrOptions: string | ShieldOptions,
  ...policies: Ps & Composable<Ps>
): Shield<ReadsOfAll<Ps>, PutsOfAll<Ps>, KeyOfAll<Ps>> {
  return new ComposedShield(nameOrOptions, policies) as unknown as Shield<ReadsOfAll<Ps>, PutsOfAll<Ps>, KeyOfAll<Ps>>
}

class ComposedShield {
  readonly name: string
  readonly #clock: Clock
  /** Where the errors of passed deadlines come from. */
  readonly #deadlineOrigin: Origin
  readonly #events = new EventHub()
  readonly #policies: readonly BoundPolicy[]
  /** The layer that calls enter: that of the outermost policy, or that of the operation while the shield is disabled. */
  #outermost: Layer
  #isDisabled = false
  /** What telemetry and the levers read. The registry refers to it weakly; it lives as long as the shield. */
  readonly #facts: Reconfigurable & Host

  constructor(nameOrOptions: string | ShieldOptions, policies: readonly AnyPolicy[]) {
    const options = shieldOptions<ShieldOptions>(nameOrOptions)
    this.name = checkedName(options.name, 'shield.name')
    this.#clock = checkedClock(options.clock ?? systemClock, 'shield.clock')
    const random = optionalFunction(options.random, 'shield.random') ?? Math.random
    const stacks = trueOrFalse(options.stacks ?? false, 'shield.stacks')
    const { name } = this
    const clock = this.#clock
    const events = this.#events
    this.#deadlineOrigin = { shield: name, policy: 'deadline', stacks }
    const named = namePolicies(policies, name)
    for (const { policy } of named) bindClock(policy, clock, name)
    checkShield(name, named)
    this.#policies = named.map(
      ({ name: policyName, policy }) =>
        new BoundPolicy(policy, { shield: name, policy: policyName, clock, random, events, stacks }),
    )
    this.#facts = {
      name,
      clock,
      random,
      policies: this.#policies,
      shield: this as unknown as AnyShield,
      refold: () => this.#refold(),
      reconfigured: (before, after) => this.#tell('reconfigured', { before, after }),
    }
    // Assigned once here, and again only by a lever: the runtime treats it as a constant until then.
    this.#outermost = this.#fold()
    registerShield(this.#facts)
  }

  run<T>(operation: Operation<T>, options?: RunOptions): Promise<T> {
    return this.#start(operation, options, undefined)
  }

  /** @param args the arguments of a wrapped function */
  #start<T>(
    operation: Operation<T>,
    options: RunOptions | undefined,
    args: readonly unknown[] | undefined,
  ): Promise<T> {
    if (typeof operation !== 'function') {
      return Promise.reject(new TypeError(`shield '${this.name}': run() expects a function, got ${show(operation)}`))
    }
    try {
      const inheritedMs = inheritedLeftMs()
      return toPromise(
        options === undefined && inheritedMs === undefined
          ? this.#enterCall(newCall(newRoot(this.#facts, undefined, 0, args)), operation)
          : this.#enterWith(operation, inheritedMs, args, options),
      ) as Promise<T>
    } catch (error) {
      // An option is invalid.
      return Promise.reject(error)
    }
  }

  iterate<T>(operation: Operation<ItemSource<T>>, options?: RunOptions): AsyncGenerator<T, void, undefined> {
    return iterate(this.#facts, operation, (feed) => this.run(feed, options))
  }

  wrap<A extends unknown[], T, This>(
    fn: (this: This, ...args: A) => T | PromiseLike<T>,
    options: { readonly key?: (this: This, ...args: A) => string } = {},
  ): (this: This, ...args: A) => Promise<T> {
    if (typeof fn !== 'function') {
      throw new TypeError(`shield '${this.name}': wrap() expects a function, got ${show(fn)}`)
    }
    knownKeys(options, 'wrap', ['key'])
    const key = optionalFunction(options.key, 'wrap.key')
    const shield = this
    const wrapped = function (this: This, ...args: A): Promise<T> {
      let callOptions: RunOptions | undefined
      if (key !== undefined) {
        try {
          callOptions = { key: synchronous(key.apply(this, args), 'wrap.key') }
        } catch (error) {
          return rejectInMicrotask(error)
        }
      }
      return shield.#start((call) => withCurrentCall(call, () => fn.apply(this, args)), callOptions, args)
    }
    // A framework may read the name, or choose by the number of parameters how it calls a handler.
    return Object.defineProperties(wrapped, {
      name: { value: fn.name, configurable: true },
      length: { value: fn.length, configurable: true },
    })
  }

  status(): ShieldStatus {
    const { name } = this
    const now = this.#clock.now()
    const statuses = this.#policies.map(({ name, policy, hasLayer }) => {
      const status = policy.status?.(now)
      // Only a custom policy can return a promise. A scrape reads the status of every shield.
      if (!hasLayer) synchronous(status, `${name}.status`)
      return { name, type: policy.type, ...status }
    })
    return this.#isDisabled ? { name, disabled: true, policies: statuses } : { name, policies: statuses }
  }

  policy(name: string): AnyPolicy | undefined {
    return this.#policies.find((policy) => policy.name === name)?.policy
  }

  on<Name extends EventName>(event: Name, listener: Listener<ShieldEvents[Name]>): () => void {
    return this.#events.on(event, requiredFunction(listener, 'on.listener'))
  }

  disable(): void {
    this.#switch(true)
  }

  enable(): void {
    this.#switch(false)
  }

  reconfigure(options: NewOptions): void {
    reconfigure(this.#facts, options)
  }

  #switch(isDisabled: boolean): void {
    if (this.#isDisabled === isDisabled) return
    this.#isDisabled = isDisabled
    this.#refold()
    tellInOrder(() => this.#tell(isDisabled ? 'disabled' : 'enabled', {}))
  }

  /** Emits an event of the shield itself. */
  #tell<Name extends ShieldLever>(name: Name, details: Omit<ShieldEvents[Name], 'shield' | 'at'>): void {
    if (!this.#events.hasListeners(name)) return
    const event = withTimes({ shield: this.name, at: this.#clock.now(), ...details }, this.#clock)
    this.#events.emit(name, event as unknown as ShieldEvents[Name])
  }

  /** Replaces the layers. Calls that have begun keep those that they have entered, and with them the options. */
  #refold(): void {
    this.#outermost = this.#isDisabled ? operationLayer : this.#fold()
  }

  /** Creates the layers that calls enter, innermost first. */
  #fold(): Layer {
    return this.#policies.reduceRight<Layer>((next, policy) => policy.around(next), operationLayer)
  }

  #enterCall(call: CallState, operation: Operation<unknown>): FrameResult {
    return this.#outermost.enter(call, operation, hasCallWatchers() ? lastFrame(call) : END)
  }

  #enterWith(
    operation: Operation<unknown>,
    inheritedMs: number | undefined,
    args: readonly unknown[] | undefined,
    options: RunOptions = {},
  ): FrameResult {
    checkRunOptions(options)
    const signal = checkedSignal(options.signal, 'run.signal')
    const key = checkedKey(options.key)
    const priority = checkedPriority(options.priority)
    const cost = options.cost === undefined ? undefined : wholeNumber(options.cost, 'run.cost', 1)
    // A deadline may be computed: the time that is left. It is then negative if the caller was too late.
    const ownMs =
      options.deadline === undefined ? undefined : toMs(options.deadline, 'run.deadline', Number.NEGATIVE_INFINITY)
    const inherited = inheritedMs !== undefined && (ownMs === undefined || inheritedMs < ownMs)
    const afterMs = inherited ? inheritedMs : ownMs
    const root = newRoot(this.#facts, key, priority, args)
    if (cost !== undefined) root.cost = cost
    if (signal === undefined && afterMs === undefined) return this.#enterCall(newCall(root), operation)
    if (signal?.aborted) return notStarted(abortReason(signal), root)
    const origin = this.#deadlineOrigin
    if (afterMs !== undefined && afterMs <= 0) return notStarted(deadlineExceeded({ afterMs, origin, inherited }), root)
    const scope = callerScope()
    try {
      if (signal !== undefined) scope.listenTo(signal)
      if (afterMs === undefined) {
        const call = new CallState(root, scope, 1, undefined)
        if (hasCallWatchers()) startTime(call, scope)
        return this.#outermost.enter(call, operation, scope)
      }
      const now = this.#clock.now()
      const dueMs = now + afterMs
      scope.cancelAt({ afterMs, dueMs, origin, inherited }, this.#clock)
      const call = new CallState(root, scope, 1, dueMs)
      call.enteredMs = now
      if (hasCallWatchers()) startTime(call, scope)
      return this.#outermost.enter(call, operation, scope)
    } catch (error) {
      // The stack overflowed, or a custom clock threw. The scope must still be removed from the caller's signal.
      return passFailure(scope, new Failure(error, root))
    }
  }
}
