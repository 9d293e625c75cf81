import type { Listener } from '../../core/events/events.ts'
import { optionalFunction } from '../../core/options/options.ts'
import { FaultEngine, type FaultEvent, type FaultsOptions } from './engine.ts'
import { faultyFetch } from './fetch.ts'
import { type FaultMiddleware, faultyMiddleware } from './middleware.ts'
import { faultyOperation } from './operation.ts'
import type { FaultRule } from './plan.ts'
import type { FaultTarget } from './rule.ts'

/** Injects the faults of a plan into whatever it wraps. Made by {@link faults}. */
export interface FaultInjector {
  /** Repeats what happened, given to {@link faults} again. */
  readonly seed: number
  /** How many faults have been injected. */
  readonly injected: number
  /**
   * A function that meets the faults. An `error` is thrown as a socket throws it, a `status` as {@link FaultError} with
   * that `status`. `body` breaks a `Response` that comes back; any other value: `corrupt` throws a SyntaxError,
   * `truncated` what a broken connection throws, `stall` never settles. Waits end with the signal of the call, where
   * the first argument has one.
   */
  wrap<A extends unknown[], T>(
    operation: (...args: A) => T | PromiseLike<T>,
    target?: FaultTarget,
  ): (...args: A) => Promise<T>
  /** A `fetch` that meets the faults: network errors as Node reports them, statuses, bodies that break. */
  fetch(real: typeof fetch, target?: Pick<FaultTarget, 'name'>): typeof fetch
  /**
   * A middleware of `node:http` that meets the faults. `refused`, `dns` and `reset` reset the connection; `timeout`
   * never answers. Over TLS a reset is a plain close. HTTP/1 only.
   */
  middleware(target?: Pick<FaultTarget, 'name'>): FaultMiddleware
  /** Hears of each fault that is injected. Returns the function that unsubscribes. */
  on(listener: Listener<FaultEvent>): () => void
  /** Puts another plan in place of this one; its counts and its schedule begin anew. What is under way goes on. */
  replace(plan: readonly FaultRule[]): void
  /** No further faults. What is under way goes on. */
  clear(): void
  /** No further faults, and the end of all that is under way: delays end and nothing happens, stalled bodies are cut. */
  halt(): void
}

/**
 * Breaks things on purpose: operations, `fetch`, servers of `node:http`. The same seed and the same order of calls give
 * the same faults.
 *
 * Every rule sees every call; of those that hit it, the first one counts. Nothing is injected unless it is wrapped, and
 * a server that closes is not held by connections that stall. The vocabulary is that of the fault proxies Toxiproxy
 * and Envoy.
 *
 * @param plan what goes wrong, and when
 * @throws ConfigurationError with the path of what is wrong: `plan[0].fault.status`
 * @example
 * ```ts
 * import { constant, retry, shield } from 'escudo'
 * import { faults } from 'escudo/testing'
 *
 * const chaos = faults([{ match: { nth: 1 }, fault: { error: 'reset' } }], { seed: 7 })
 * const lookUp = chaos.wrap(() => 42)
 * const stock = await shield('inventory', retry({ backoff: constant(1) })).run(lookUp)
 * console.log(stock, chaos.injected) // 42 1
 * ```
 */
export function faults(plan: readonly FaultRule[], options: FaultsOptions = {}): FaultInjector {
  const engine = new FaultEngine(plan, options)
  return {
    seed: engine.seed,
    get injected() {
      return engine.injected
    },
    wrap: (operation, target = {}) => faultyOperation(engine, operation, target),
    fetch: (real, target = {}) => faultyFetch(engine, optionalFunction(real, 'faults.fetch') ?? fetch, target.name),
    middleware: (target = {}) => faultyMiddleware(engine, target.name),
    on: (listener) => engine.on(listener),
    replace: (next) => engine.replace(next),
    clear: () => engine.clear(),
    halt: () => engine.halt(),
  }
}
