import type { Binding } from './binding.ts'
import { type Clock, systemClock } from './clock.ts'
import type { MakeLayer } from './engine/layer.ts'
import { type Countable, EventHub } from './events/events.ts'
import type { Run } from './operation.ts'
import { checkedName, knownKeys, optionalFunction, requiredFunction } from './options/options.ts'

/**
 * Brands a policy with the results that it reads. Without the brand, `R` would not appear in the type, and any policy
 * would fit anywhere.
 */
declare const READS: unique symbol

/** Brands a policy with what it may return in place of a result. Type inference reads it here. */
export declare const PUTS: unique symbol

/** The key of a built-in policy's layer. A shield enters a layer without an extra promise. */
export const LAYER: unique symbol = Symbol('escudo.layer')

/** Brands a policy with the keys that it accepts. `string` alone means that every call needs a key. */
export declare const KEYED: unique symbol

/** The type of a call's key: text, or undefined for a call without a key. */
export type Key = string | undefined

/** A snapshot of a policy's state and counters, JSON-able. */
export type PolicyStatus = Readonly<Record<string, unknown>>

/** A problem in the composition of a shield. */
export interface Finding {
  /** An `error` cannot work and throws. A `warning` is doubtful and is printed once. */
  readonly level: 'error' | 'warning'
  /** The path of the option, such as `timeout.after`. */
  readonly path: string
  /** What would happen, and how to fix it. */
  readonly message: string
}

/** A policy as the check of another policy sees it. */
export interface PolicyFacts {
  readonly name: string
  /** The name of the factory: `retry`, `circuitBreaker`. */
  readonly type: string
  /** The options that checks compare. Durations are in milliseconds. */
  readonly settings: Readonly<Record<string, unknown>>
}

/**
 * A part of a shield: a retry, a circuit breaker, … or a custom policy (see {@link definePolicy}).
 *
 * `R` is the type of the results that it reads. `X` is what it may return in place of a result. `K` is the type of the
 * keys that it accepts: `string` if every call needs a key.
 */
export interface Policy<in R = unknown, out X = never, in K extends Key = Key> extends PolicyFacts {
  readonly [READS]?: (value: R) => void
  readonly [PUTS]?: () => X
  /** The equivalent of {@link wrap} for the engine. A custom policy has none. */
  readonly [LAYER]?: MakeLayer
  readonly [KEYED]?: (key: K) => void
  /** What telemetry can count for this policy. Default: nothing. */
  readonly countable?: Countable
  /**
   * Wraps the inner policies and the operation. Called once per shield, when the shield is built; calls run the result.
   */
  // biome-ignore lint/suspicious/noExplicitAny: what `next` reads is checked by the shield's types, not here
  wrap<N>(next: Run<any, N>, binding?: Binding): Run<any, N | X>
  /** Returns a snapshot for `shield.status()`. `now` is in milliseconds on the shield's clock. */
  status?(now: number): PolicyStatus
  /**
   * Checks the policies inside this one, outermost first. Called when the shield is built, and before options change.
   *
   * @param own this policy, with the settings that it would have after the change; default: as it is
   */
  check?(inside: readonly PolicyFacts[], own?: PolicyFacts): readonly Finding[]
  /**
   * Checks new options for `shield.reconfigure()`, without applying them. Default: the policy has no options to change.
   *
   * @param options what the user passed for this policy: an object, otherwise unchecked
   * @param clock the clock of the policy's shields
   * @throws ConfigurationError for an invalid option
   */
  reconfigure?(options: PolicyOptions, clock: Clock): OptionsChange
}

/** Options of a policy by name, as a user passes them. */
export type PolicyOptions = Readonly<Record<string, unknown>>

/** New options of a policy, checked but not applied. */
export interface OptionsChange {
  /** Applies the options, at once. It must not throw: options of other policies may be applied already. */
  readonly apply: () => void
  /**
   * The old values of the changed options, for the event `reconfigured`. The policy is reconfigured with them if another
   * policy throws when it applies its options.
   */
  readonly before?: PolicyOptions | undefined
  /** The new values. Default: the options as the user passed them. */
  readonly after?: PolicyOptions | undefined
  /** The new `settings` of the policy, for the checks of the shield. Default: they stay. */
  readonly settings?: PolicyFacts['settings'] | undefined
}

/** Any policy, whatever its type parameters are. Use it for lists of policies. */
export type AnyPolicy = Policy<never, unknown, never>

/** The binding of a policy that is wrapped without a shield: manually, or in a test. */
export function unbound(policy: PolicyFacts): Binding {
  return {
    shield: '',
    policy: policy.name,
    clock: systemClock,
    random: Math.random,
    events: new EventHub(),
    stacks: false,
  }
}

/**
 * Creates a custom policy.
 *
 * State the type parameter `R` if `wrap` reads results: the compiler then rejects an operation with other results.
 * State `K` as `string` if every call needs a key.
 *
 * @param options.name the name of the policy in errors, events and the status
 * @param options.wrap receives `next`, which runs the inner policies and the operation, and returns a function of the
 * same kind. It is called once per shield. Pass `next` the call, or a copy such as `{ ...call, key: 'other' }` with
 * another attempt, deadline, key or priority. A copy with another `signal`, `clock` or `random` is rejected with a
 * `TypeError`
 * @param options.reconfigure checks new options for `shield.reconfigure()`, and returns how to apply them. Default: the
 * policy has no options that can change
 * @returns a policy for any shield
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { definePolicy, shield } from 'escudo'
 *
 * let slowestMs = 0
 * const stopwatch = definePolicy({
 *   name: 'stopwatch',
 *   wrap: (next) => async (call, operation) => {
 *     const startMs = call.clock.now()
 *     try {
 *       return await next(call, operation)
 *     } finally {
 *       slowestMs = Math.max(slowestMs, call.clock.now() - startMs)
 *     }
 *   },
 * })
 * const answer = await shield('deep-thought', stopwatch).run(() => 42)
 * ```
 */
export function definePolicy<R = unknown, X = never, K extends Key = Key>(options: {
  readonly name: string
  readonly wrap: <N>(next: Run<R, N>) => Run<R, N | X>
  readonly reconfigure?: (options: PolicyOptions) => OptionsChange
}): Policy<R, X, K> {
  knownKeys(options, 'definePolicy', ['name', 'wrap', 'reconfigure'])
  const name = checkedName(options.name, 'definePolicy.name')
  const wrap = requiredFunction(options.wrap, 'definePolicy.wrap')
  const reconfigure = optionalFunction(options.reconfigure, 'definePolicy.reconfigure')
  return {
    name,
    type: name,
    settings: {},
    wrap: wrap.bind(options) as Policy<R, X, K>['wrap'],
    ...(reconfigure === undefined ? {} : { reconfigure: reconfigure.bind(options) }),
  }
}
