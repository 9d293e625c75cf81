import type { Binding } from '../../core/binding.ts'
import type { Clock } from '../../core/clock.ts'
import { type Call, type CallState, enteredMs, rootOf } from '../../core/engine/call.ts'
import { type Cancellation, Watcher } from '../../core/engine/cancel-scope.ts'
import { Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { addNote } from '../../core/explain/notes.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { checkedName, knownKeys, wholeNumber } from '../../core/options/options.ts'
import { LAYER, type Policy, type PolicyStatus } from '../../core/policy.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { BulkheadFullError } from '../shared/bulkhead-full-error.ts'
import { judgeError } from '../shared/judge.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { refusal } from '../shared/refusal.ts'
import { gradient2 } from './state/gradient2.ts'
import type { ConcurrencyLimit, LimitAlgorithm, LimitSettings } from './state/limit.ts'

/** Options of {@link adaptiveLimiter}. */
export interface AdaptiveLimiterOptions {
  /** How the limit learns: `gradient2()`, `vegas()` or `aimd({ timeout })`. Default `gradient2()`. */
  readonly algorithm?: LimitAlgorithm
  /** The limit is never below. Default 1. */
  readonly min?: number
  /** The limit is never above. Default 1000. */
  readonly max?: number
  /** Where it begins. Default 20, or the bound that is nearest to it. */
  readonly initial?: number
  /** Default: `adaptiveLimiter`. */
  readonly name?: string
}

/**
 * A bulkhead that finds its limit itself, from how long calls take: it grows while they are quick, and shrinks when they
 * begin to wait at the dependency or are lost. Whoever finds no place is refused at once with {@link BulkheadFullError};
 * nobody waits, for the queue is what it is there to prevent.
 *
 * What it learns from: the time from admission to outcome of a call that succeeded. A failure counts as dropped when it
 * tells of overload: a timeout, a refusal by the dependency (an error whose status is 429, 503 or 504), and a call that
 * a timeout or deadline further out cut off, at the instant of the cut. Everything else teaches it nothing: business
 * errors, refusals from further in, the caller's own abort, and other failures, which may be over before any work was
 * done. A limit of which less than half is used does not grow.
 *
 * A place is held until what stands inside settles, so a cut from further out does not free the place of work that goes
 * on. Stand it where the bulkhead would: inside of the retry, around the timeout for each attempt. Semantics after
 * Netflix's concurrency-limits.
 *
 * @throws ConfigurationError for an option that cannot work
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

const PATH = 'adaptiveLimiter'
const INITIAL = 20
// What a dependency, or a timeout in front of it, answers when there is too much to do.
const OVERLOAD: ReadonlySet<number> = new Set([429, 503, 504])

class AdaptiveLimiterPolicy extends LayerPolicy implements Policy {
  readonly name: string
  readonly type = PATH
  readonly settings: Readonly<Record<string, unknown>>
  readonly #limit: ConcurrencyLimit
  #inFlight = 0

  constructor(options: AdaptiveLimiterOptions) {
    super()
    knownKeys(options, PATH, ['algorithm', 'min', 'max', 'initial', 'name'])
    this.name = checkedName(options.name ?? PATH, `${PATH}.name`)
    const settings = readSettings(options)
    this.settings = { ...settings }
    this.#limit = checkedAlgorithm(options.algorithm ?? gradient2()).create(settings)
  }

  status(): PolicyStatus {
    return { limit: this.#limit.limit(), inFlight: this.#inFlight }
  }

  [LAYER](next: Layer, binding: Binding): Layer {
    const shared: LimitContext = {
      limit: this.#limit,
      clock: binding.clock,
      leave: () => {
        this.#inFlight -= 1
      },
    }
    return {
      enter: (call, operation, outer) => {
        // Nothing is sent for a call that is over already, and so nothing is learnt from it.
        const cut = call.scope?.cancellation
        if (cut !== undefined) return passFailure(outer, new Failure(cut.reason, call.root))
        const limit = this.#limit.limit()
        if (this.#inFlight >= limit) {
          return passFailure(outer, new Failure(this.#refuse(call, limit, binding), call.root))
        }
        this.#inFlight += 1
        const frame = new PlaceFrame(outer, call, this.#inFlight, shared)
        if (call.scope !== undefined) frame.watch(call.scope)
        return next.enter(call, operation, frame)
      },
    }
  }

  #refuse(call: Call, limit: number, binding: Binding): BulkheadFullError {
    addNote(rootOf(call), { policy: binding.policy, state: 'full', facts: this.status() })
    const problem = `${this.#inFlight} in flight, the limit is ${limit}`
    return refusal(binding, () => new BulkheadFullError(binding, problem))
  }
}

/** What a call taught: how long an answer takes, that it was lost to overload, or nothing. */
type Lesson = 'answered' | 'dropped' | 'nothing'

/** What all calls of one adaptive limiter in one shield have in common. */
interface LimitContext {
  readonly limit: ConcurrencyLimit
  readonly clock: Clock
  readonly leave: () => void
}

/**
 * A call that has a place. It gives one sample at most, at the outcome or, where a cut comes first, at the cut; its place
 * it holds until the work has ended.
 */
class PlaceFrame extends Watcher implements Frame {
  readonly outer: Frame
  readonly #call: CallState
  readonly #inFlight: number
  readonly #shared: LimitContext
  readonly #beganMs: number
  #open = true

  constructor(outer: Frame, call: CallState, inFlight: number, shared: LimitContext) {
    super()
    this.outer = outer
    this.#call = call
    this.#inFlight = inFlight
    this.#shared = shared
    this.#beganMs = enteredMs(call)
  }

  onValue(value: unknown): FrameResult {
    this.#shared.leave()
    this.#learn('answered')
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    const { leave } = this.#shared
    if (failure.stillRunning === undefined) leave()
    else failure.stillRunning.then(leave, leave)
    this.#learn(judge(failure.error, this.#call))
    return passFailure(this.outer, failure)
  }

  override onCancel(cut: Cancellation): void {
    this.#learn(cut.by === 'caller' ? 'nothing' : 'dropped')
  }

  #learn(lesson: Lesson): void {
    if (!this.#open) return
    this.#open = false
    this.unwatch()
    if (lesson === 'nothing') return
    const { limit, clock } = this.#shared
    const now = clock.now()
    limit.onSample(now - this.#beganMs, this.#inFlight, lesson === 'dropped', now)
  }
}

function judge(error: unknown, call: Call): Lesson {
  const verdict = judgeError(undefined, error, call)
  if (verdict === 'ignored') return 'nothing'
  if (verdict === 'success') return 'answered'
  const status = factsOf(error)?.status
  return status !== undefined && OVERLOAD.has(status) ? 'dropped' : 'nothing'
}

function readSettings(options: AdaptiveLimiterOptions): LimitSettings {
  const min = wholeNumber(options.min ?? 1, `${PATH}.min`, 1)
  const max = wholeNumber(options.max ?? Math.max(1000, min), `${PATH}.max`, min)
  const initial = wholeNumber(options.initial ?? Math.min(max, Math.max(min, INITIAL)), `${PATH}.initial`, min, max)
  return { min, max, initial }
}

function checkedAlgorithm(algorithm: LimitAlgorithm): LimitAlgorithm {
  if (typeof algorithm?.create === 'function') return algorithm
  throw new ConfigurationError(
    `${PATH}.algorithm`,
    `expected gradient2(), vegas() or aimd({ timeout }), got ${show(algorithm)}`,
  )
}
