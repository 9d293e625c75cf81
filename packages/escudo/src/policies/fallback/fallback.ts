import type { Binding } from '../../core/binding.ts'
import type { Call } from '../../core/engine/call.ts'
import type { Layer } from '../../core/engine/layer.ts'
import type { Policy } from '../../core/policy.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { type FallbackContext, FallbackFrame } from './frame.ts'
import { type FallbackOptions, type FallbackSettings, readFallback } from './options.ts'

/**
 * Returns a substitute for a failure: a value, or a function's result.
 *
 * Put it outermost, so that it also covers refusals, timeouts and exhausted retries. The caller's abort passes through,
 * and so do business errors unless `when` selects them. If the function throws an error, the caller receives it, with
 * the original one as its `cause` unless it has a cause; if it throws the original error, the failure passes on
 * unchanged. Semantics after Polly v8's fallback strategy.
 *
 * @param value the value, or `(error, call) => value`, which may be asynchronous. A value is one object for all callers:
 * use a function if they may change it
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { fallback, shield } from 'escudo'
 *
 * const stock = shield('inventory', fallback({ stock: null }))
 * const answer = await stock.run(() => Promise.reject(new Error('connection refused')))
 * // answer.stock === null
 * ```
 */
export function fallback<const X>(
  value: X | ((error: unknown, call: Call) => X | PromiseLike<X>),
  options: FallbackOptions = {},
): Policy<unknown, X> {
  return new FallbackPolicy<X>(readFallback(options), value)
}

class FallbackPolicy<X> extends LayerPolicy implements Policy<unknown, X> {
  readonly name: string
  readonly type = 'fallback'
  readonly settings = {}
  readonly #when: (error: unknown) => boolean
  readonly #value: unknown

  constructor({ name, when }: FallbackSettings, value: unknown) {
    super()
    this.name = name
    this.#when = when
    this.#value = value
  }

  layer(next: Layer, binding: Binding): Layer {
    const context: FallbackContext = { binding, when: this.#when, value: this.#value }
    return {
      enter: (call, operation, outer) => next.enter(call, operation, new FallbackFrame(outer, call, context)),
    }
  }
}
