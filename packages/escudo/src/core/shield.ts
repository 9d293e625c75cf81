import { synchronous } from '../errors/options/synchronous.ts'
import type { Binding } from './binding.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Composable, KeyedOptions, KeyOfAll, PutsOfAll, ReadsOfAll } from './composition.ts'
import { withCurrentCall } from './context/current-call.ts'
import { inheritedLeftMs } from './context/inherited-deadline.ts'
import { abortReason } from './engine/abort-reason.ts'
import { CallRoot, CallState, type Host, newCall } from './engine/call.ts'
import { CallerScope, deadlineExceeded } from './engine/caller-scope.ts'
import { customPolicyLayer } from './engine/custom-policy.ts'
import { END, Failure, type FrameResult, passFailure, rejectInMicrotask, toPromise } from './engine/frame.ts'
import { type Layer, operationLayer } from './engine/layer.ts'
import type { Origin } from './errors.ts'
import { EventHub, type EventName, type Listener, type ShieldEvents } from './events/events.ts'
import { noteNotStarted } from './explain/notes.ts'
import type { Operation } from './operation.ts'
import { checkedClock } from './options/clock.ts'
import { type Duration, show, toMs } from './options/durations.ts'
import { checkedName, knownKeys, optionalFunction, requiredFunction, trueOrFalse } from './options/options.ts'
import { checkedKey, checkedPriority, checkedSignal, checkRunOptions } from './options/run-options.ts'
import { type AnyPolicy, type Key, LAYER, type PolicyStatus } from './policy.ts'
import type { Random } from './random.ts'
import { registerShield, type ShieldFacts } from './registry.ts'
import { bindClock, checkedRun, checkShield, namePolicies, shieldOptions } from './validation.ts'

/** Options of {@link shield}. */
export interface ShieldOptions {
  /** The name of the dependency: 1 to 100 characters. It appears in errors, events, logs and metrics. */
  readonly name: string
  /** The source of time. Default: the system's monotonic clock. */
  readonly clock?: Clock
  /** The source of random numbers. Default: `Math.random`. */
  readonly random?: Random
  /**
   * Whether refusals and timeouts capture a stack. Default: false. A stack costs microseconds, and an outage causes
   * many refusals.
   */
  readonly stacks?: boolean
}

/** Options of one call. */
export interface RunOptions {
  /** Cancels the call: it rejects immediately with the signal's reason, even if the operation ignores its signal. */
  readonly signal?: AbortSignal | undefined
  /**
   * How long the caller waits from now, all retries included. Default: without limit, except the deadline of the
   * request around the call (see `withContext`).
   *
   * If it is 0 or negative (a computed time that is left may be), the call rejects at once, without calling the operation.
   */
  readonly deadline?: Duration | undefined
  /** The tenant, user or resource that the call is for. Required if the shield has a cache or a coalesce. */
  readonly key?: string | undefined
  /** Calls with a higher priority leave a queue first. Default: 0. */
  readonly priority?: number | undefined
}

/** A JSON-able snapshot of a shield. */
export interface ShieldStatus {
  readonly name: string
  /** The state and counters of the policies, outermost first. */
  readonly policies: readonly (PolicyStatus & { readonly name: string; readonly type: string })[]
}

/** Options of one call of a shield whose policies need a key, such as a cache. */
export interface KeyedRunOptions extends RunOptions {
  readonly key: string
}

/**
 * Policies composed in one order, under a name. Created by {@link shield}.
 *
 * `R` is the type of the results that the policies read. `X` is what they may return in place of a result. `K` is the
 * type of the key of a call. If a policy needs a key, `K` is `string`, and `run` and `wrap` do not compile without a
 * key.
 */
export interface Shield<in R = unknown, out X = never, K extends Key = Key> {
  readonly name: string
  // `run` and `wrap` are properties instead of methods. The compiler compares the parameters of methods in both
  // directions, and would accept a shield that needs a key where a plain shield is expected.
  /**
   * Runs an operation inside the policies.
   *
   * If no policy makes it wait, the operation is called synchronously, before `run` returns.
   *
   * @returns a promise of the operation's value, or of the value that a fallback or a cache returns in its place. It
   * rejects with the operation's error, a refusal, a timeout, or the reason of the caller's signal
   * @throws nothing: every error is a rejection. An invalid option rejects with a ConfigurationError that names its
   * path, such as `run.deadline`; an operation that is not a function, or that returns an async iterator, rejects with a
   * TypeError: consume the iterator inside the operation
   */
  readonly run: <T extends R>(
    operation: Operation<T>,
    ...options: KeyedOptions<K, RunOptions, KeyedRunOptions>
  ) => Promise<T | X>
  /**
   * Wraps a function: each call of the result runs it inside the policies.
   *
   * Inside the function, `currentCall()` returns the call. The function and `options.key` receive the `this` of the
   * call, so a method can be wrapped on its prototype. The result has the name and the length of the function.
   *
   * @param options.key derives the key of a call from its arguments; it must be synchronous
   * @throws TypeError if `fn` is no function; ConfigurationError for an invalid option
   */
  readonly wrap: <A extends unknown[], T extends R, This = unknown>(
    fn: (this: This, ...args: A) => T | PromiseLike<T>,
    ...options: KeyedOptions<
      K,
      { readonly key?: (this: This, ...args: A) => string },
      { readonly key: (this: This, ...args: A) => string }
    >
  ) => (this: This, ...args: A) => Promise<T | X>
  /** Returns the state and counters of every policy. */
  status(): ShieldStatus
  /**
   * Subscribes to one kind of event.
   *
   * @returns a function that unsubscribes
   * @throws TypeError for an unknown event, or a listener that is no function
   */
  on<Name extends EventName>(event: Name, listener: Listener<ShieldEvents[Name]>): () => void
}

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
  readonly #stacks: boolean
  /** Where the errors of passed deadlines come from. */
  readonly #deadlineOrigin: Origin
  readonly #events = new EventHub()
  readonly #policies: readonly { readonly name: string; readonly policy: AnyPolicy }[]
  readonly #outermost: Layer
  /** What telemetry reads. The registry refers to it weakly, so this field keeps it alive as long as the shield. */
  readonly #facts: ShieldFacts & Host

  constructor(nameOrOptions: string | ShieldOptions, policies: readonly AnyPolicy[]) {
    const options = shieldOptions<ShieldOptions>(nameOrOptions)
    this.name = checkedName(options.name, 'shield.name')
    this.#clock = checkedClock(options.clock ?? systemClock, 'shield.clock')
    const random = optionalFunction(options.random, 'shield.random') ?? Math.random
    this.#stacks = trueOrFalse(options.stacks ?? false, 'shield.stacks')
    this.#deadlineOrigin = { shield: this.name, policy: 'deadline', stacks: this.#stacks }
    this.#policies = namePolicies(policies, this.name)
    for (const { policy } of this.#policies) bindClock(policy, this.#clock, this.name)
    checkShield(this.name, this.#policies)
    this.#facts = { name: this.name, clock: this.#clock, random, policies: this.#policies }
    this.#outermost = this.#fold()
    registerShield(this.#facts)
  }

  run<T>(operation: Operation<T>, options?: RunOptions): Promise<T> {
    if (typeof operation !== 'function') {
      return Promise.reject(new TypeError(`shield '${this.name}': run() expects a function, got ${show(operation)}`))
    }
    try {
      const inheritedMs = inheritedLeftMs()
      return toPromise(
        options === undefined && inheritedMs === undefined
          ? this.#enter(operation)
          : this.#enterWith(operation, options ?? NO_OPTIONS, inheritedMs),
      ) as Promise<T>
    } catch (error) {
      // An option is invalid.
      return Promise.reject(error)
    }
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
      return shield.run((call) => withCurrentCall(call, () => fn.apply(this, args)), callOptions)
    }
    // A framework may read the name, or choose by the number of parameters how it calls a handler.
    return Object.defineProperties(wrapped, {
      name: { value: fn.name, configurable: true },
      length: { value: fn.length, configurable: true },
    })
  }

  status(): ShieldStatus {
    const { name, clock, policies } = this.#facts
    const now = clock.now()
    return {
      name,
      policies: policies.map(({ name, policy }) => {
        const status = synchronous(policy.status?.(now), `${name}.status`)
        return { name, type: policy.type, ...status }
      }),
    }
  }

  on<Name extends EventName>(event: Name, listener: Listener<ShieldEvents[Name]>): () => void {
    return this.#events.on(event, requiredFunction(listener, 'on.listener'))
  }

  /** Creates the layers that calls enter, innermost first. */
  #fold(): Layer {
    return this.#policies.reduceRight<Layer>((next, { name, policy }) => {
      const binding: Binding = {
        shield: this.name,
        policy: name,
        clock: this.#clock,
        random: this.#facts.random,
        events: this.#events,
        stacks: this.#stacks,
      }
      // A user may replace `wrap` on a built-in policy, for example to observe it. The layer would bypass the
      // replacement, so it is not used then.
      const layer = Object.hasOwn(policy, 'wrap') ? undefined : policy[LAYER]?.(next, binding)
      return layer ?? customPolicyLayer((run) => checkedRun(policy.wrap(run, binding), name), next)
    }, operationLayer)
  }

  #enter(operation: Operation<unknown>): FrameResult {
    return this.#outermost.enter(newCall(this.#facts), operation, END)
  }

  #enterWith(operation: Operation<unknown>, options: RunOptions, inheritedMs: number | undefined): FrameResult {
    checkRunOptions(options)
    const signal = checkedSignal(options.signal, 'run.signal')
    const key = checkedKey(options.key)
    const priority = checkedPriority(options.priority)
    // A deadline may be computed: the time that is left. It is then negative if the caller was too late.
    const ownMs =
      options.deadline === undefined ? undefined : toMs(options.deadline, 'run.deadline', Number.NEGATIVE_INFINITY)
    const inherited = inheritedMs !== undefined && (ownMs === undefined || inheritedMs < ownMs)
    const afterMs = inherited ? inheritedMs : ownMs
    if (signal === undefined && afterMs === undefined) {
      return this.#outermost.enter(newCall(this.#facts, key, priority), operation, END)
    }
    const root = new CallRoot(this.#facts, key, priority)
    if (signal?.aborted) return notStarted(abortReason(signal), root)
    const origin = this.#deadlineOrigin
    if (afterMs !== undefined && afterMs <= 0) return notStarted(deadlineExceeded({ afterMs, origin, inherited }), root)
    const scope = new CallerScope()
    try {
      if (signal !== undefined) scope.listenTo(signal)
      if (afterMs === undefined)
        return this.#outermost.enter(new CallState(root, scope, 1, undefined), operation, scope)
      const now = this.#clock.now()
      const dueMs = now + afterMs
      scope.cancelAt({ afterMs, dueMs, origin, inherited }, this.#clock)
      const call = new CallState(root, scope, 1, dueMs)
      call.enteredMs = now
      return this.#outermost.enter(call, operation, scope)
    } catch (error) {
      // The stack overflowed, or a custom clock threw. The scope must still be removed from the caller's signal.
      return passFailure(scope, new Failure(error, root))
    }
  }
}

const NO_OPTIONS: RunOptions = {}

/** Fails a call that enters no policy. */
function notStarted(error: unknown, root: CallRoot): FrameResult {
  noteNotStarted(root)
  return passFailure(END, new Failure(error, root))
}
