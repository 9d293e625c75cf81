import type { Binding } from '../../core/binding.ts'
import type { Call, CallState } from '../../core/engine/call.ts'
import { type Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { settle } from '../../core/engine/settle.ts'
import { checkedName, knownKeys, optionalFunction } from '../../core/options/options.ts'
import { LAYER, type Policy } from '../../core/policy.ts'
import { withCause } from '../../core/secondary-error.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'

/** Options of {@link fallback}. */
export interface FallbackOptions {
  /** Which failures it stands in for. Default: all but business errors, which are answers and not failures. */
  readonly when?: (error: unknown) => boolean
  /** Default: `fallback`. */
  readonly name?: string
}

/**
 * Puts something else in place of a failure: a value, or what a function makes of the error. It stands outermost, so
 * that it covers refusals, timeouts and spent retries alike.
 *
 * The caller's own abort passes through, and so do business errors unless `when` says otherwise. Where the function
 * itself fails, its error keeps the original one as its `cause`. Semantics after Polly v8's fallback strategy.
 *
 * @param value the value, or `(error, call) => value`, which may be asynchronous
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
  knownKeys(options, 'fallback', ['when', 'name'])
  const when = optionalFunction(options.when, 'fallback.when') ?? isFailure
  const name = checkedName(options.name ?? 'fallback', 'fallback.name')
  return new FallbackPolicy<X>(name, when, value)
}

class FallbackPolicy<X> extends LayerPolicy implements Policy<unknown, X> {
  readonly name: string
  readonly type = 'fallback'
  readonly settings = {}
  readonly #when: (error: unknown) => boolean
  readonly #value: unknown

  constructor(name: string, when: (error: unknown) => boolean, value: unknown) {
    super()
    this.name = name
    this.#when = when
    this.#value = value
  }

  [LAYER](next: Layer, binding: Binding): Layer {
    const context: FallbackContext = { binding, when: this.#when, value: this.#value }
    return {
      enter: (call, operation, outer) => next.enter(call, operation, new FallbackFrame(outer, call, context)),
    }
  }
}

/** What all calls of one fallback in one shield have in common. */
interface FallbackContext {
  readonly binding: Binding
  readonly when: (error: unknown) => boolean
  readonly value: unknown
}

class FallbackFrame implements Frame {
  declare readonly outer: Frame
  declare private readonly call: CallState
  declare private readonly context: FallbackContext

  constructor(outer: Frame, call: CallState, context: FallbackContext) {
    this.outer = outer
    this.call = call
    this.context = context
  }

  onValue(value: unknown): FrameResult {
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    const { error } = failure
    const { binding, when, value } = this.context
    // Whoever cut the call has stopped listening; and nobody who gave up wants a substitute.
    if (this.call.scope?.cancellation !== undefined || !stands(when, error)) return passFailure(this.outer, failure)
    const { shield, policy, events } = binding
    if (events.hasListeners('fallback')) events.emit('fallback', { shield, policy, error })
    if (typeof value !== 'function') return settle(value, this.call, this.outer)
    return settle(substitute(value as Substitute, error, this.call), this.call, this.outer)
  }
}

type Substitute = (error: unknown, call: Call) => unknown

function isFailure(error: unknown): boolean {
  return factsOf(error)?.kind !== 'business'
}

function stands(when: (error: unknown) => boolean, error: unknown): boolean {
  try {
    return when(error)
  } catch (failure) {
    throw withCause(failure, error)
  }
}

async function substitute(make: Substitute, error: unknown, call: Call): Promise<unknown> {
  try {
    return await make(error, call)
  } catch (failure) {
    // Throwing the same error again is a way to say: not this one.
    throw failure === error ? error : withCause(failure, error)
  }
}
