import type { Binding } from '../../core/binding.ts'
import type { CallState } from '../../core/engine/call.ts'
import { Failure, passFailure } from '../../core/engine/frame.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { addNote } from '../../core/explain/notes.ts'
import type { OptionsChange, Policy, PolicyOptions, PolicyStatus } from '../../core/policy.ts'
import { BulkheadFullError } from '../shared/bulkhead-full-error.ts'
import { ChangeableOptions } from '../shared/changeable-options.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { ADAPTIVE_LIMITER_RULES, type OrderRule } from '../shared/order-rules.ts'
import { passCancelled } from '../shared/pass-cancelled.ts'
import { refusal } from '../shared/refusal.ts'
import { type AdaptiveLimiterContext, AdaptiveLimiterFrame } from './frame.ts'
import { type AdaptiveLimiterOptions, readAdaptiveLimiter } from './options.ts'
import { type ConcurrencyLimit, clamp } from './state/limit.ts'

/**
 * Limits concurrent calls, and derives the limit from how long calls take.
 *
 * The limit grows while calls are fast. It shrinks when calls begin to wait at the dependency or are dropped. A call
 * without a permit is rejected immediately with {@link BulkheadFullError}. There is no queue, because the limiter
 * exists to prevent queues. A limit that is less than half used does not grow.
 *
 * What the limiter learns from a call:
 * - from a success: the time from admission to outcome.
 * - from overload: that the call was dropped. Overload is an inner timeout, an error with status 429, 503 or 504 from the
 *   dependency, or a call that an outer timeout or a deadline cancels, at the moment of the cancellation.
 * - from everything else: nothing. This includes business errors, refusals by inner policies, the caller's abort, and
 *   other failures, which may end before the dependency has done any work.
 *
 * A permit is held until the work inside settles: an outer cancellation does not release the permit of work that is
 * still running. Use the limiter in the position of the bulkhead: inside the retry, around the timeout of each attempt.
 * The semantics follow Netflix's concurrency-limits.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { adaptiveLimiter, isRefusal, shield } from 'escudo'
 *
 * const search = shield('search', adaptiveLimiter({ max: 200 }))
 * const answer = await search.run(async () => 'found').catch((error) => {
 *   if (isRefusal(error)) return 'busy, come back later'
 *   throw error
 * })
 * console.log(answer, search.status().policies[0]) // found { …, limit: 20, inFlight: 0 }
 * ```
 */
export function adaptiveLimiter(options: AdaptiveLimiterOptions = {}): Policy {
  return new AdaptiveLimiterPolicy(options)
}

class AdaptiveLimiterPolicy extends LayerPolicy implements Policy {
  readonly name: string
  readonly type = 'adaptiveLimiter'
  settings: Readonly<Record<string, unknown>>
  readonly #options: ChangeableOptions<AdaptiveLimiterOptions>
  #limit: ConcurrencyLimit
  #inFlight = 0

  constructor(options: AdaptiveLimiterOptions) {
    super()
    const { name, limit, algorithm } = readAdaptiveLimiter(options)
    this.name = name
    this.settings = { ...limit }
    this.#options = new ChangeableOptions(options, this.type)
    this.#limit = algorithm.create(limit)
  }

  /** The limit continues from its value, within the new bounds. What the algorithm has measured starts again. */
  reconfigure(given: PolicyOptions): OptionsChange {
    return this.#options.change(given, (options) => {
      const { limit, algorithm } = readAdaptiveLimiter(options)
      const initial = given['initial'] === undefined ? clamp(limit, this.#limit.limit()) : limit.initial
      const created = algorithm.create({ ...limit, initial })
      const settings = { ...limit }
      const apply = (): void => {
        this.settings = settings
        this.#limit = created
      }
      return { apply, settings }
    })
  }

  status(): PolicyStatus {
    return { limit: this.#limit.limit(), inFlight: this.#inFlight }
  }

  protected override get orderRules(): readonly OrderRule[] {
    return ADAPTIVE_LIMITER_RULES
  }

  layer(next: Layer, binding: Binding): Layer {
    const context: AdaptiveLimiterContext = {
      limit: this.#limit,
      clock: binding.clock,
      release: () => {
        this.#inFlight -= 1
      },
    }
    return {
      enter: (call, operation, outer) => {
        // A call that is cancelled already is not sent, so the limit learns nothing from it.
        const cancellation = call.scope?.cancellation
        if (cancellation !== undefined) return passCancelled(call, cancellation.reason, binding.policy, outer)
        const limit = this.#limit.limit()
        if (this.#inFlight >= limit) {
          return passFailure(outer, new Failure(this.#refuse(call, limit, binding), call.root))
        }
        this.#inFlight += 1
        let frame: AdaptiveLimiterFrame | undefined
        try {
          frame = new AdaptiveLimiterFrame(outer, call, this.#inFlight, context)
          frame.watch(call.scope)
          return next.enter(call, operation, frame)
        } catch (error) {
          // A layer throws only if the stack overflows. Release the permit first: little stack is left.
          if (frame === undefined) this.#inFlight -= 1
          else frame.release()
          return passFailure(outer, new Failure(error, call.root))
        }
      },
    }
  }

  #refuse(call: CallState, limit: number, binding: Binding): BulkheadFullError {
    addNote(call.root, { policy: binding.policy, state: 'full', facts: this.status(), endedHere: true })
    const problem = `${this.#inFlight} in flight, the limit is ${limit}`
    return refusal(binding, () => new BulkheadFullError(binding, problem))
  }
}
