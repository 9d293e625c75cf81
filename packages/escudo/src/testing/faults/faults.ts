import type { Listener } from '../../core/events/events.ts'
import { knownKeys, nonEmptyText, optionalFunction, requiredFunction } from '../../core/options/options.ts'
import { FaultEngine, type FaultEvent, type FaultsOptions } from './engine.ts'
import { faultyFetch } from './fetch.ts'
import { type FaultMiddleware, faultyMiddleware } from './middleware.ts'
import { faultyOperation } from './operation.ts'
import type { FaultRule } from './plan.ts'
import type { FaultTarget } from './rule.ts'

/** Injects the faults of a plan into what it wraps. Created by {@link faults}. */
export interface FaultInjector {
  /** The seed in use. Pass it to {@link faults} to repeat the same faults. */
  readonly seed: number
  /** The number of faults injected until now. */
  readonly injected: number
  /**
   * Wraps an operation, so that its calls meet the faults.
   *
   * An `error` is thrown as a socket error, a `status` as a {@link FaultError} with that `status`. `body` breaks a
   * `Response` that the operation returns. For any other value, `corrupt` throws a SyntaxError, `truncated` throws the
   * error of a broken connection, and `stall` never settles. If the first argument has a `signal`, its abort ends every
   * wait. The operation receives the `this` of the call.
   */
  wrap<A extends unknown[], T, This = unknown>(
    operation: (this: This, ...args: A) => T | PromiseLike<T>,
    target?: FaultTarget,
  ): (this: This, ...args: A) => Promise<T>
  /** Wraps a `fetch`, so that its calls meet the faults: network errors as in Node, statuses, broken bodies. */
  fetch(real: typeof fetch, target?: Pick<FaultTarget, 'name'>): typeof fetch
  /**
   * Creates a middleware for `node:http` whose requests meet the faults.
   *
   * `refused`, `dns` and `reset` reset the connection; over TLS they close it. `timeout` never responds. HTTP/1 only.
   */
  middleware(target?: Pick<FaultTarget, 'name'>): FaultMiddleware
  /** Calls the listener for each injected fault. Returns a function that unsubscribes it. */
  on(listener: Listener<FaultEvent>): () => void
  /** Replaces the plan. Counts and schedules start again. Running faults continue. */
  replace(plan: readonly FaultRule[]): void
  /** Injects no more faults. Running faults continue. */
  clear(): void
  /** Injects no more faults and ends running ones: a delayed call proceeds without its fault, a stalled body breaks. */
  halt(): void
}

/**
 * Injects faults into operations, `fetch` and servers of `node:http`.
 *
 * The same seed and the same order of calls give the same faults. Every rule evaluates every call; if several hit, the
 * first one in the plan applies. Only wrapped calls meet faults. Stalled connections do not keep a closing server open.
 * The vocabulary follows the fault proxies Toxiproxy and Envoy.
 *
 * @param plan what goes wrong, and when
 * @throws ConfigurationError with the path of the invalid value, such as `plan[0].fault.status`
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
    wrap: (operation, target = {}) => {
      requiredFunction(operation, 'faults.wrap')
      return faultyOperation(engine, operation, checkTarget(target, 'faults.wrap', ['name', 'method', 'path']))
    },
    fetch: (real, target = {}) => {
      const given = optionalFunction(real, 'faults.fetch') ?? fetch
      return faultyFetch(engine, given, checkTarget(target, 'faults.fetch', ['name']).name)
    },
    middleware: (target = {}) => faultyMiddleware(engine, checkTarget(target, 'faults.middleware', ['name']).name),
    on: (listener) => engine.on(listener),
    replace: (next) => engine.replace(next),
    clear: () => engine.clear(),
    halt: () => engine.halt(),
  }
}

function checkTarget<T extends FaultTarget>(target: T, path: string, keys: readonly (keyof FaultTarget)[]): T {
  knownKeys(target, path, keys)
  for (const key of keys) if (target[key] !== undefined) nonEmptyText(target[key], `${path}.${key}`)
  return target
}
