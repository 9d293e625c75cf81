import type { Binding } from './binding.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Composable, KeyedOptions, KeyOfAll, PutsOfAll, ReadsOfAll } from './composition.ts'
import { withCurrentCall } from './context/current-call.ts'
import { CallRoot, CallState, type Host, newCall } from './engine/call.ts'
import { CallerScope } from './engine/caller-scope.ts'
import { customPolicyLayer } from './engine/custom-policy.ts'
import { END, Failure, type FrameResult, passFailure, toPromise } from './engine/frame.ts'
import { type Layer, operationLayer } from './engine/layer.ts'
import { EventHub, type EventName, type Listener, type ShieldEvents } from './events/events.ts'
import type { Operation, Run } from './operation.ts'
import { ConfigurationError } from './options/configuration-error.ts'
import { type Duration, show, toMs } from './options/durations.ts'
import { checkedName, knownKeys, optionalFunction } from './options/options.ts'
import { type AnyPolicy, type Key, LAYER, type PolicyStatus } from './policy.ts'
import type { Random } from './random.ts'
import { registerShield, type ShieldFacts } from './registry.ts'
import { bindClock, checkedClock, checkShield, namePolicies } from './validation.ts'

/** How a shield is made, beyond its name. */
export interface ShieldOptions {
  /** Of the dependency that it guards. Stands in errors, events, logs and metrics. */
  readonly name: string
  /** Default: the system's monotonic clock. */
  readonly clock?: Clock
  /** Default: `Math.random`. */
  readonly random?: Random
  /** Whether refusals and timeouts capture a stack. Default false: it costs microseconds in the worst moment. */
  readonly stacks?: boolean
}

/** What a single call may bring. */
export interface RunOptions {
  /** Gives the call up: it rejects at once with the signal's own reason, also when the operation ignores it. */
  readonly signal?: AbortSignal | undefined
  /** How long the caller waits, from now; all retries included. */
  readonly deadline?: Duration | undefined
  /** Which tenant, user or resource the call is for. */
  readonly key?: string | undefined
  /** Higher goes first where calls queue. Default 0. */
  readonly priority?: number | undefined
}

/** A JSON-able snapshot of a shield. */
export interface ShieldStatus {
  readonly name: string
  readonly policies: readonly (PolicyStatus & { readonly name: string; readonly type: string })[]
}

/** What a call brings to a shield whose policies need a key: a cache, for one. */
export interface KeyedRunOptions extends RunOptions {
  readonly key: string
}

/**
 * Policies composed in one order under a name. Made by {@link shield}. `R` is what its policies read of results, `X`
 * what they may put in place of one, `K` the key of its calls: `string` where a policy needs one, and then `run` and
 * `wrap` do not compile without it.
 */
export interface Shield<in R = unknown, out X = never, K extends Key = Key> {
  readonly name: string
  // Both are properties and no methods, whose parameters the compiler would compare in either direction: a shield that
  // needs a key would pass for one that does not.
  /**
   * Runs an operation inside of all the policies. It is called at once, before `run` returns, when nothing makes it wait.
   *
   * @returns a promise of the operation's value, or of what a fallback put in its place
   * @throws (rejects with) the operation's error, a refusal, a timeout, or the reason of the caller's signal
   */
  readonly run: <T extends R>(
    operation: Operation<T>,
    ...options: KeyedOptions<K, RunOptions, KeyedRunOptions>
  ) => Promise<T | X>
  /**
   * A function with the shield around it. Inside, `currentCall()` gives the call.
   *
   * @param options.key derives the call's key from the arguments
   */
  readonly wrap: <A extends unknown[], T extends R>(
    fn: (...args: A) => T | PromiseLike<T>,
    ...options: KeyedOptions<K, { readonly key?: (...args: A) => string }, { readonly key: (...args: A) => string }>
  ) => (...args: A) => Promise<T | X>
  /** Every policy's state and counters. */
  status(): ShieldStatus
  /** Hears one kind of event. Returns the function that unsubscribes. */
  on<Name extends EventName>(event: Name, listener: Listener<ShieldEvents[Name]>): () => void
}

/**
 * Composes policies into the shield of one dependency. The first policy is the outermost.
 *
 * Recommended order: fallback, total timeout, retry, circuit breaker, bulkhead, attempt timeout. The breaker inside the
 * retry sees every attempt; the total timeout bounds all of them.
 *
 * @param nameOrOptions the shield's name, or its name with a clock and a source of chance
 * @param policies outermost first; composed once, here
 * @throws ConfigurationError when an option cannot work, alone or beside the others; a doubtful order warns once
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
  readonly #events = new EventHub()
  readonly #policies: readonly { readonly name: string; readonly policy: AnyPolicy }[]
  readonly #outermost: Layer
  /** Held here and nowhere else, so that it is forgotten with the shield. */
  readonly #facts: ShieldFacts & Host

  constructor(nameOrOptions: string | ShieldOptions, policies: readonly AnyPolicy[]) {
    const options = typeof nameOrOptions === 'string' ? { name: nameOrOptions } : nameOrOptions
    knownKeys(options, 'shield', ['name', 'clock', 'random', 'stacks'])
    this.name = checkedName(options.name, 'shield.name')
    this.#clock = checkedClock(options.clock ?? systemClock)
    const random = optionalFunction(options.random, 'shield.random') ?? Math.random
    this.#stacks = options.stacks ?? false
    this.#policies = namePolicies(policies, this.name)
    for (const { policy } of this.#policies) bindClock(policy, this.#clock, this.name)
    checkShield(this.name, this.#policies)
    this.#facts = { name: this.name, clock: this.#clock, random, policies: this.#policies }
    this.#outermost = this.#fold()
    registerShield(this.#facts)
  }

  run<T>(operation: Operation<T>, options?: RunOptions): Promise<T> {
    if (typeof operation !== 'function') {
      return Promise.reject(new TypeError(`shield '${this.name}': run() takes a function, got ${show(operation)}`))
    }
    try {
      return toPromise(
        options === undefined ? this.#enter(operation) : this.#enterWith(operation, options),
      ) as Promise<T>
    } catch (error) {
      // An option that cannot work.
      return Promise.reject(error)
    }
  }

  wrap<A extends unknown[], T>(
    fn: (...args: A) => T | PromiseLike<T>,
    options?: { readonly key?: (...args: A) => string },
  ): (...args: A) => Promise<T> {
    return async (...args) => {
      const key = options?.key?.(...args)
      const operation: Operation<T> = (call) => withCurrentCall(call, () => fn(...args))
      return await this.run(operation, key === undefined ? undefined : { key })
    }
  }

  status(): ShieldStatus {
    const { name, clock, policies } = this.#facts
    const now = clock.now()
    return {
      name,
      policies: policies.map((one) => ({ name: one.name, type: one.policy.type, ...one.policy.status?.(now) })),
    }
  }

  on<Name extends EventName>(event: Name, listener: Listener<ShieldEvents[Name]>): () => void {
    return this.#events.on(event, listener)
  }

  /** Right to left, once: what a call enters are the layers made here. */
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
      // Whoever gave one of our policies another `wrap`, to watch it for one, means that one.
      const layer = Object.hasOwn(policy, 'wrap') ? undefined : policy[LAYER]?.(next, binding)
      return layer ?? customPolicyLayer((run) => policy.wrap(run, binding) as Run, next)
    }, operationLayer)
  }

  #enter(operation: Operation<unknown>): FrameResult {
    return this.#outermost.enter(newCall(this.#facts), operation, END)
  }

  #enterWith(operation: Operation<unknown>, options: RunOptions): FrameResult {
    const { signal } = options
    const key = checkedKey(options.key)
    const priority = checkedPriority(options.priority)
    const deadlineMs = options.deadline === undefined ? undefined : toMs(options.deadline, 'run.deadline')
    if (signal?.aborted) throw signal.reason
    if (signal === undefined && deadlineMs === undefined) {
      return this.#outermost.enter(newCall(this.#facts, key, priority), operation, END)
    }
    const scope = new CallerScope()
    const root = new CallRoot(this.#facts, key, priority)
    try {
      if (signal !== undefined) scope.listenTo(signal)
      const deadline = deadlineMs === undefined ? undefined : this.#clock.now() + deadlineMs
      if (deadlineMs !== undefined) {
        scope.cancelAfter(deadlineMs, this.#clock, { shield: this.name, policy: 'deadline', stacks: this.#stacks })
      }
      const call = new CallState(root, scope, 1, deadline)
      return this.#outermost.enter(call, operation, scope)
    } catch (error) {
      // The stack is full, or a clock of somebody's own threw. The caller's signal is to be left all the same.
      return passFailure(scope, new Failure(error, root))
    }
  }
}

/** A number and the same number as text would be two keys, or one, as each policy happens to compare them. */
function checkedKey(key: unknown): string | undefined {
  if (key === undefined || typeof key === 'string') return key
  throw new ConfigurationError('run.key', `expected text, got ${show(key)}`)
}

/** NaN is neither higher nor lower than anything: it has no place in a queue. */
function checkedPriority(priority: unknown): number {
  if (priority === undefined) return 0
  if (typeof priority === 'number' && !Number.isNaN(priority)) return priority
  throw new ConfigurationError('run.priority', `expected a number, got ${show(priority)}`)
}
