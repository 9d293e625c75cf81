import type { Binding } from '../../core/binding.ts'
import { type CallState, enteredMs } from '../../core/engine/call.ts'
import { Failure, passFailure } from '../../core/engine/frame.ts'
import type { Layer } from '../../core/engine/layer.ts'
import type { Countable } from '../../core/events/events.ts'
import { addNote } from '../../core/explain/notes.ts'
import type { OptionsChange, Policy, PolicyOptions, PolicyStatus } from '../../core/policy.ts'
import { ChangeableOptions } from '../shared/changeable-options.ts'
import { emitExecuted } from '../shared/executed.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { ADAPTIVE_THROTTLE_RULES, type OrderRule } from '../shared/order-rules.ts'
import { passCancelled } from '../shared/pass-cancelled.ts'
import { RateLimitedError } from '../shared/rate-limited-error.ts'
import { refusal } from '../shared/refusal.ts'
import { AdaptiveThrottleFrame } from './frame.ts'
import { type AdaptiveThrottleOptions, readAdaptiveThrottle } from './options.ts'
import { ThrottleState } from './state/throttle-state.ts'

/**
 * Rejects a share of the calls to a dependency that rejects calls or fails.
 *
 * This is the client-side throttling of the SRE book ("Site Reliability Engineering", chapter 21, "Handling Overload").
 * An overloaded server spends its capacity on rejecting requests. The throttle rejects them before they are sent, with
 * {@link RateLimitedError}.
 *
 * It counts requests and accepts. A request is counted before it is sent. An accept is every outcome that is not a
 * failure: a success, or an outcome that says nothing about the dependency (a business error, the caller's abort, a
 * refusal by an inner policy). With `r` requests and `a` accepts in the window, a call is rejected with the probability
 * `max(0, (r - k · a) / (r + 1))`. A rejected call is a request without an accept.
 *
 * While at least one call in `k` is accepted, no call is rejected. A dependency that accepts nothing receives about one
 * call per `window`, whatever the load. After the first accepts, the share of sent calls grows by itself. The refusal
 * is random, so it has no `retryAfterMs`.
 *
 * Calls in flight are requests that are not accepted yet. The throttle therefore works best with steady traffic, and
 * rejects much of a burst that comes after an idle window. Use it inside a retry, and around all policies that call the
 * dependency.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { isRefusal, shield, adaptiveThrottle, timeout } from 'escudo'
 *
 * const search = shield('search', adaptiveThrottle({ k: 2, window: '2m' }), timeout('1s'))
 * const hits = await search.run(async () => ['potion']).catch((error) => {
 *   if (isRefusal(error)) return []
 *   throw error
 * })
 * console.log(hits, search.status()) // … requests: 1, accepts: 1, rejectionProbability: 0
 * ```
 */
export function adaptiveThrottle(options: AdaptiveThrottleOptions = {}): Policy {
  return new AdaptiveThrottlePolicy(options)
}

const TYPE = 'adaptiveThrottle'
const OUTCOMES = ['admitted'] as const

class AdaptiveThrottlePolicy extends LayerPolicy implements Policy {
  readonly name: string
  readonly type = TYPE
  readonly settings = {}
  readonly countable: Countable = { outcomes: OUTCOMES }
  readonly #options: ChangeableOptions<AdaptiveThrottleOptions>
  readonly #state: ThrottleState

  constructor(options: AdaptiveThrottleOptions) {
    super()
    const { name, k, windowMs } = readAdaptiveThrottle(options)
    this.name = name
    this.#options = new ChangeableOptions(options, TYPE)
    this.#state = new ThrottleState(k, windowMs)
  }

  reconfigure(given: PolicyOptions): OptionsChange {
    return this.#options.change(given, (options) => {
      const { k, windowMs } = readAdaptiveThrottle(options)
      return { apply: () => this.#state.reconfigure(k, windowMs) }
    })
  }

  status(now: number): PolicyStatus {
    const state = this.#state
    return {
      requests: state.requests(now),
      accepts: state.accepts(now),
      rejectionProbability: state.rejectionProbability(now),
    }
  }

  protected override get orderRules(): readonly OrderRule[] {
    return ADAPTIVE_THROTTLE_RULES
  }

  layer(next: Layer, binding: Binding): Layer {
    const { clock, events } = binding
    const state = this.#state
    const accept = (): void => state.accept(clock.now())
    return {
      enter: (call, operation, outer) => {
        const cancellation = call.scope?.cancellation
        if (cancellation !== undefined) return passCancelled(call, cancellation.reason, binding.policy, outer)
        let admitted: boolean
        try {
          admitted = state.admit(enteredMs(call), call.random)
        } catch (error) {
          // A custom source of random numbers threw. Outer policies must still release their permits.
          return passFailure(outer, new Failure(error, call.root))
        }
        if (!admitted) return passFailure(outer, new Failure(this.#refuse(call, binding), call.root))
        if (events.hasExecutedListeners) emitExecuted(binding, TYPE, 'admitted', 0)
        const frame = new AdaptiveThrottleFrame(outer, call, accept)
        // Without a scope the call cannot be cancelled, and only its outcome counts.
        frame.watch(call.scope)
        return next.enter(call, operation, frame)
      },
    }
  }

  #refuse(call: CallState, binding: Binding): RateLimitedError {
    const { policy } = binding
    const state = this.#state
    const now = call.clock.now()
    addNote(call.root, { policy, state: 'throttled', facts: this.status(now), endedHere: true })
    const problem = `it accepted ${state.accepts(now)} of ${state.requests(now)} calls`
    return refusal(binding, () => new RateLimitedError(binding, problem))
  }
}
