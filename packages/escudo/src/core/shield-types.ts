import type { Clock } from './clock.ts'
import type { KeyedOptions } from './composition.ts'
import type { EventName, Listener, ShieldEvents } from './events/events.ts'
import type { ItemSource } from './iteration.ts'
import type { Operation } from './operation.ts'
import type { Duration } from './options/durations.ts'
import type { AnyPolicy, Key, PolicyOptions, PolicyStatus } from './policy.ts'
import type { Random } from './random.ts'

/** Options of `shield`. */
export interface ShieldOptions {
  /** The name of the dependency: 1 to 100 characters. It appears in errors, events, logs and metrics. */
  readonly name: string
  /** The source of time. Default: the system's monotonic clock. */
  readonly clock?: Clock
  /** The source of random numbers. Default: `Math.random`. */
  readonly random?: Random
  /**
   * Whether refusals and timeouts capture a stack. Default: false. A stack costs microseconds, and an outage causes
   * many refusals. The log of an error without one has its name and message, even if code sets `error.stack`.
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
  /**
   * How many permits of each rate limiter the call takes: a whole number from 1, at most what the limiter can hold.
   * Default: 1. The operation may correct it with `call.settle(actual)`. Other policies count calls and ignore it.
   */
  readonly cost?: number | undefined
}

/** A JSON-able snapshot of a shield. */
export interface ShieldStatus {
  readonly name: string
  /** Present while the shield is disabled: its policies are bypassed. */
  readonly disabled?: true
  /** The state and counters of the policies, outermost first. */
  readonly policies: readonly (PolicyStatus & { readonly name: string; readonly type: string })[]
}

/** New options for the policies of a shield, by the policies' names: `{ retry: { maxRetries: 0 } }`. */
export type NewOptions = Readonly<Record<string, PolicyOptions>>

/** Options of one call of a shield whose policies need a key, such as a cache. */
export interface KeyedRunOptions extends RunOptions {
  readonly key: string
}

/** The items of what a policy may return in place of an operation's items. */
export type ItemOf<X> = X extends AsyncIterable<infer T> ? T : X extends Iterable<infer T> ? T : never

/**
 * Policies composed in one order, under a name. Created by `shield`.
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
   * TypeError: use {@link iterate}, or consume the iterator inside the operation
   */
  readonly run: <T extends R>(
    operation: Operation<T>,
    ...options: KeyedOptions<K, RunOptions, KeyedRunOptions>
  ) => Promise<T | X>
  /**
   * Iterates over the items of an operation inside the policies.
   *
   * The call begins when the first item is requested, and lasts until the iteration ends: after the last item, with an
   * error, or when the reader leaves its loop. Until then it has its permits, and its outcome decides the verdict. The
   * source works only while the reader waits for an item; timeouts measure that time, all items together. `deadline` and
   * `signal` are the reader's, so its own time counts. A retry is made only before the first item, and a fallback, which
   * must be iterable, only replaces a failure before it.
   *
   * An iteration that was begun must end: read it with `for await`, or call its `return()`. Otherwise its permits are
   * released when it is garbage-collected.
   *
   * @returns the items. Asking for the first one begins the call; all errors of `run` are thrown there or later
   * @throws nothing. A shield with a cache or a coalesce, and an operation that returns no iterable, throw a TypeError
   * when the first item is requested
   * @example
   * ```ts
   * import { bulkhead, retry, shield, timeout } from 'escudo'
   *
   * const database = shield('database', timeout('10s'), retry(), bulkhead({ limit: 10 }))
   * async function* rows() {
   *   yield* [1, 2, 3]
   * }
   * let sum = 0
   * for await (const row of database.iterate(() => rows())) sum += row
   * console.log(sum) // 6
   * ```
   */
  readonly iterate: <T>(
    // The policies read no value of an iteration, and what they return in its place must be iterable.
    // biome-ignore lint/suspicious/noExplicitAny: whether the call needs a key is checked by the options
    this: Shield<undefined, ItemSource<unknown>, any>,
    operation: Operation<ItemSource<T>>,
    ...options: KeyedOptions<K, RunOptions, KeyedRunOptions>
  ) => AsyncGenerator<T | ItemOf<X>, void, undefined>
  /**
   * Wraps a function: each call of the result runs it inside the policies.
   *
   * Inside the function, `currentCall()` returns the call, whose `args` are the arguments. The function and `options.key`
   * receive the `this` of the call, so a method can be wrapped on its prototype. The result has the name and the length of
   * the function.
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
   * Returns a policy by its name within the shield, such as `retry`, `circuitBreaker` or `retry-2`.
   *
   * @typeParam P the type of the policy, which is not checked
   * @returns undefined if the shield has no policy of this name
   * @example
   * ```ts
   * import { type CircuitBreaker, findShield, standardShield } from 'escudo'
   *
   * const inventory = standardShield('inventory')
   * findShield('inventory')?.policy<CircuitBreaker>('circuitBreaker')?.isolate()
   * console.log(inventory.status().policies[3]) // { …, state: 'isolated', … }
   * ```
   */
  policy<P extends AnyPolicy = AnyPolicy>(name: string): P | undefined
  /**
   * Bypasses the policies until {@link enable}: each operation runs bare, once.
   *
   * The caller's signal and deadline still end a call. Calls that have begun keep their policies, whose state stays as it
   * is. Emits `disabled`. Disabling a disabled shield does nothing.
   */
  disable(): void
  /** Ends {@link disable}: new calls enter the policies again. Emits `enabled`. */
  enable(): void
  /**
   * Changes options of the policies while the program runs.
   *
   * All options are checked first, together with those that stay, and then applied: all of them, or none. An option that
   * is `undefined` gets its default. Calls that have begun keep their options, and so does an open period. Counts stay,
   * unless their window changes. A lower limit takes effect as permits are released. Emits `reconfigured`.
   *
   * The options belong to the policy, as its state does. They change in every shield that it is part of, and each of these
   * shields emits the event.
   *
   * @param options by the name of the policy within the shield; a timeout has the option `after`
   * @throws ConfigurationError for an unknown policy or option, an invalid value, options that cannot work together, and
   * options that cannot change, such as `name` and `perKey`. Nothing has changed then
   * @example
   * ```ts
   * import { bulkhead, retry, shield } from 'escudo'
   *
   * const inventory = shield('inventory', retry({ maxRetries: 3 }), bulkhead({ limit: 20 }))
   * inventory.on('reconfigured', ({ before, after }) => console.log(before, after))
   * inventory.reconfigure({ retry: { maxRetries: 0 }, bulkhead: { limit: 5 } })
   * ```
   */
  reconfigure(options: NewOptions): void
  /**
   * Subscribes to one kind of event.
   *
   * @returns a function that unsubscribes
   * @throws TypeError for an unknown event, or a listener that is no function
   */
  on<Name extends EventName>(event: Name, listener: Listener<ShieldEvents[Name]>): () => void
}

/**
 * Any shield, whatever its type parameters are.
 *
 * Its operations are not checked, so `run` accepts only those that never return. Use it to read and to act.
 */
export type AnyShield = Shield<never, unknown, string>
