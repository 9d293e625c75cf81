import { type Call, scopeOf } from '../core/call.ts'
import { checkedName, knownKeys, optionalFunction } from '../core/options.ts'
import { type Policy, type Run, unbound } from '../core/policy.ts'
import { withCause } from '../core/secondary-error.ts'
import { factsOf } from '../errors/brand.ts'

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
  const policy: Policy<unknown, X> = {
    name,
    type: 'fallback',
    settings: {},
    wrap(next: Run, binding = unbound(policy)): Run {
      return async (call, operation) => {
        try {
          return await next(call, operation)
        } catch (error) {
          // Whoever cut the call has stopped listening; and nobody who gave up wants a substitute.
          if (scopeOf(call)?.cut !== undefined || !stands(when, error)) throw error
          if (binding.events.hears('fallback')) {
            binding.events.emit('fallback', { shield: binding.shield, policy: binding.policy, error })
          }
          return (typeof value === 'function' ? await substitute(value as Substitute, error, call) : value) as never
        }
      }
    },
  }
  return policy
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
