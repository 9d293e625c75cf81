import type { Binding } from '../../core/binding.ts'
import { type Call, type CallState, enteredMs, rootOf } from '../../core/engine/call.ts'
import { type Cancellation, Watcher } from '../../core/engine/cancel-scope.ts'
import { Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import type { Layer } from '../../core/engine/layer.ts'
import type { Countable } from '../../core/events/events.ts'
import { addNote } from '../../core/explain/notes.ts'
import { type Duration, toMs } from '../../core/options/durations.ts'
import { checkedName, finiteNumber, knownKeys } from '../../core/options/options.ts'
import { LAYER, type Policy, type PolicyStatus } from '../../core/policy.ts'
import { executed } from '../shared/executed.ts'
import { judgeError } from '../shared/judge.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { RateLimitedError } from '../shared/rate-limited-error.ts'
import { refusal } from '../shared/refusal.ts'
import { ThrottleState } from './state/throttle-state.ts'

/** Options of {@link adaptiveThrottle}. */
export interface AdaptiveThrottleOptions {
  /**
   * So many times what the dependency accepts is sent to it. Default 2. Nearer to 1 holds back sooner; higher tries
   * harder, and sees sooner that the dependency takes more again.
   */
  readonly k?: number
  /** How far back it looks. Default `'2m'`. */
  readonly window?: Duration
  /** Default: `throttle`. */
  readonly name?: string
}

/**
 * Holds calls back from a dependency that turns them away: the client-side throttling of the SRE book ("Site Reliability
 * Engineering", chapter 21, "Handling Overload"). A dependency that is overloaded spends its time on turning calls away;
 * here they are turned away before they are sent, with {@link RateLimitedError}.
 *
 * It counts requests, before they are sent, and accepts: what came to a success, or to something that says nothing about
 * the dependency (a business error, the caller's abort, a refusal from further in). With `r` requests and `a` accepts in
 * the window a call is refused with the probability `max(0, (r - k · a) / (r + 1))`. A refused call is a request that was
 * not accepted. While at least one in `k` is accepted, nothing is refused; while none is, about one call per `window`
 * goes through, whatever the load, and with the first accepts the share grows by itself. Being left to chance, a refusal
 * has no `retryAfterMs`.
 *
 * A request counts from its beginning and an accept when it ends, so calls in the air weigh like failures: a throttle
 * wants steady traffic, and refuses much of a burst that comes after a window without any. It belongs inside of a retry
 * and around everything that talks to the dependency.
 *
 * @throws ConfigurationError for an option that cannot work
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
  return new ThrottlePolicy(options)
}

const PATH = 'adaptiveThrottle'
const OUTCOMES = ['admitted'] as const

class ThrottlePolicy extends LayerPolicy implements Policy {
  readonly name: string
  readonly type = PATH
  readonly settings = {}
  readonly countable: Countable = { outcomes: OUTCOMES }
  readonly #throttle: ThrottleState

  constructor(options: AdaptiveThrottleOptions) {
    super()
    knownKeys(options, PATH, ['k', 'window', 'name'])
    this.name = checkedName(options.name ?? PATH, `${PATH}.name`)
    const k = finiteNumber(options.k ?? 2, `${PATH}.k`, 1)
    this.#throttle = new ThrottleState(k, toMs(options.window ?? '2m', `${PATH}.window`, 1))
  }

  status(now: number): PolicyStatus {
    const throttle = this.#throttle
    return {
      requests: throttle.requests(now),
      accepts: throttle.accepts(now),
      rejectionProbability: throttle.rejectionProbability(now),
    }
  }

  [LAYER](next: Layer, binding: Binding): Layer {
    const { clock, events } = binding
    const throttle = this.#throttle
    const accept = (): void => throttle.accept(clock.now())
    return {
      enter: (call, operation, outer) => {
        const cut = call.scope?.cancellation
        if (cut !== undefined) return passFailure(outer, new Failure(cut.reason, call.root))
        if (!throttle.admit(enteredMs(call), call.random)) {
          return passFailure(outer, new Failure(this.#refuse(call, binding), call.root))
        }
        if (events.hasExecutedListeners) executed(binding, PATH, 'admitted')
        const frame = new AnswerFrame(outer, call, accept)
        // Without a scope nothing can cut the call, and its outcome alone is the answer.
        if (call.scope !== undefined) frame.watch(call.scope)
        return next.enter(call, operation, frame)
      },
    }
  }

  #refuse(call: Call, binding: Binding): RateLimitedError {
    const { policy } = binding
    const throttle = this.#throttle
    const now = call.clock.now()
    addNote(rootOf(call), { policy, state: 'throttled', facts: this.status(now) })
    const problem = `it accepted ${throttle.accepts(now)} of ${throttle.requests(now)} calls`
    return refusal(binding, () => new RateLimitedError(binding, problem))
  }
}

/** A call that was let through: counted once, at its outcome or at a cut, whether or not the operation listens. */
class AnswerFrame extends Watcher implements Frame {
  readonly outer: Frame
  readonly #call: CallState
  readonly #accept: () => void
  #open = true

  constructor(outer: Frame, call: CallState, accept: () => void) {
    super()
    this.outer = outer
    this.#call = call
    this.#accept = accept
  }

  onValue(value: unknown): FrameResult {
    this.#end(true)
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    this.#end(judgeError(undefined, failure.error, this.#call) !== 'failure')
    return passFailure(this.outer, failure)
  }

  override onCancel({ by }: Cancellation): void {
    this.#end(by === 'caller')
  }

  #end(accepted: boolean): void {
    if (!this.#open) return
    this.#open = false
    this.unwatch()
    if (accepted) this.#accept()
  }
}
