import type { Binding } from './binding.ts'
import { systemClock } from './clock.ts'
import type { MakeLayer } from './engine/layer.ts'
import { type Countable, EventHub } from './events/events.ts'
import type { Run } from './operation.ts'

/** Brands a policy with the values that it reads. Without it `R` appears nowhere, and every policy fits everywhere. */
export declare const READS: unique symbol

/** Brands a policy with what it may put in place of a result, where inference finds it whatever else the policy has. */
export declare const PUTS: unique symbol

/** Where a policy of this library offers its layer, which a shield enters without a promise of its own. */
export const LAYER: unique symbol = Symbol('escudo.layer')
/** Brands a policy with the keys that it can do with: `string` alone, and every call must bring one. */
export declare const KEYED: unique symbol

/** A call's key, as the types of policies and shields have it: text, or none. */
export type Key = string | undefined

/** A snapshot of a policy's state and counters, JSON-able. */
export type PolicyStatus = Readonly<Record<string, unknown>>

/** Something that the check of a whole shield found: `error` cannot work, `warning` is doubtful. */
export interface Finding {
  readonly level: 'error' | 'warning'
  /** The path of the option, such as `timeout.after`. */
  readonly path: string
  /** What would happen, and what to do. */
  readonly message: string
}

/** A policy as another policy's check sees it. */
export interface PolicyFacts {
  readonly name: string
  /** The factory's name: `retry`, `circuitBreaker`. */
  readonly type: string
  /** The options that checks compare, durations in milliseconds. */
  readonly settings: Readonly<Record<string, unknown>>
}

/**
 * Retry, circuit breaker, bulkhead, timeout, fallback, or one of your own (see {@link definePolicy}).
 * `R` is what it reads of results, `X` what it may put in place of one, `K` which keys it can do with: `string` for a
 * policy that asks every call for one.
 */
export interface Policy<in R = unknown, out X = never, in K extends Key = Key> extends PolicyFacts {
  readonly [READS]?: (value: R) => void
  readonly [PUTS]?: () => X
  /** The same as {@link wrap}, for the engine. A policy of your own has none. */
  readonly [LAYER]?: MakeLayer
  readonly [KEYED]?: (key: K) => void
  /** What telemetry can count of it; nothing when left out. */
  readonly countable?: Countable
  /** Wraps what stands inside of it. Called once for each shield, when the shield is built; a call runs the closure. */
  // biome-ignore lint/suspicious/noExplicitAny: what `next` reads is checked by the shield's types, not here
  wrap<N>(next: Run<any, N>, binding?: Binding): Run<any, N | X>
  /** A snapshot for `shield.status()`. */
  status?(now: number): PolicyStatus
  /** Looks at the policies inside of this one, from the outermost on, when the shield is built. */
  check?(inside: readonly PolicyFacts[]): readonly Finding[]
}

/** Any policy, whatever it reads, puts and asks for. */
export type AnyPolicy = Policy<never, unknown, never>

/** For a policy that was wrapped without a shield: by hand, or in a test. */
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
 * Makes a policy of your own.
 *
 * @param options.name how the policy is called in errors, events and the status
 * @param options.wrap takes what stands inside, gives what stands in its place. What stands inside takes the call that
 * the policy was given, or a copy of it, `{ ...call, key: 'other' }`, with another attempt, deadline, key or priority; a
 * copy with another signal, clock or chance is rejected with a `TypeError`
 * @returns a policy that fits into any shield. `R` is what it reads of results: state it when `wrap` looks at them, so
 * that the shield refuses, when compiled, an operation of something else. `K` is `string` where every call must bring a
 * key
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
}): Policy<R, X, K> {
  return { name: options.name, type: options.name, settings: {}, wrap: options.wrap as Policy<R, X, K>['wrap'] }
}
