import type { Binding } from '../../core/binding.ts'
import type { Call } from '../../core/engine/call.ts'
import type { Layer } from '../../core/engine/layer.ts'
import type { OptionsChange, Policy, PolicyOptions } from '../../core/policy.ts'
import { ChangeableOptions } from '../shared/changeable-options.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { type FallbackContext, FallbackFrame } from './frame.ts'
import { JudgingFrame } from './judging-frame.ts'
import { type FallbackOptions, type FallbackSettings, readFallback } from './options.ts'

/**
 * Returns a substitute for a failure: a value, or a function's result.
 *
 * Put it outermost, so that it also covers refusals, timeouts and exhausted retries. The caller's abort passes through,
 * and so do business errors unless `when` selects them. With `classify`, a value can be a failure too. If the function
 * throws an error, the caller receives it, with the original one as its `cause` unless it has a cause; if it throws the
 * original error, the failure passes on unchanged. Semantics after Polly v8's fallback strategy.
 *
 * @param value the value, or `(error, call, value) => value`, which may be asynchronous; `call.args` are the arguments of a
 * wrapped function. `error` is undefined in place of a value that `classify` rejected, which is the third argument. A value
 * is one object for all callers: use a function if they may change it
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
export function fallback<const X, R = unknown>(
  value: X | ((error: unknown, call: Call, value?: unknown) => X | PromiseLike<X>),
  options: FallbackOptions<R> = {},
): Policy<R, X> {
  return new FallbackPolicy<X, R>(options, value)
}

class FallbackPolicy<X, R> extends LayerPolicy implements Policy<R, X> {
  readonly name: string
  readonly type = 'fallback'
  readonly settings = {}
  readonly #options: ChangeableOptions<FallbackOptions<R>>
  #read: FallbackSettings
  readonly #value: unknown

  constructor(options: FallbackOptions<R>, value: unknown) {
    super()
    this.#read = readFallback(options)
    this.name = this.#read.name
    this.#options = new ChangeableOptions(options, this.type)
    this.#value = value
  }

  reconfigure(given: PolicyOptions): OptionsChange {
    return this.#options.change(given, (options) => {
      const read = readFallback(options)
      const apply = (): void => {
        this.#read = read
      }
      return { apply }
    })
  }

  layer(next: Layer, binding: Binding): Layer {
    const context: FallbackContext = { binding, ...this.#read, value: this.#value }
    return this.#read.classify === undefined
      ? { enter: (call, operation, outer) => next.enter(call, operation, new FallbackFrame(outer, call, context)) }
      : { enter: (call, operation, outer) => next.enter(call, operation, new JudgingFrame(outer, call, context)) }
  }
}
