import type { Binding } from '../../core/binding.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { type Call, enteredMs, rootOf, scopeOf } from '../../core/engine/call.ts'
import { Failure, passFailure, unwrap } from '../../core/engine/frame.ts'
import type { Layer } from '../../core/engine/layer.ts'
import type { Countable } from '../../core/events/events.ts'
import { addNote } from '../../core/explain/notes.ts'
import { toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys, readMaxKeys } from '../../core/options/options.ts'
import { LAYER, type Policy, type PolicyStatus } from '../../core/policy.ts'
import { executed } from '../shared/executed.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { RateLimitedError } from '../shared/rate-limited-error.ts'
import { refusal } from '../shared/refusal.ts'
import { KeyedStates } from '../shared/state/keyed-states.ts'
import { type RateLimiterOptions, readLimit } from './options.ts'
import { type QueueOwner, RateLimitQueue } from './rate-limit-queue.ts'

/**
 * Calls no more often than is allowed: `limit` calls `per` time, for all or for each key. A call that finds no permit
 * waits for one, at most `maxWait`, or is refused at once with {@link RateLimitedError}, whose `retryAfterMs` is exact.
 *
 * Permits are reserved in the order of coming: a call waits only if its permit comes within `maxWait` and before its
 * deadline, else it is refused at once. Who gives up leaves at once, and all behind move up. A permit is used when the
 * operation is called, whatever comes of it. A blocked event loop gives no more than time itself gives: never more than
 * `burst` calls at once (in a sliding window, `limit`). For a breaker further out a refusal is `ignored`.
 *
 * The token bucket lets through at most `burst + limit · t / per` calls in any time `t`; it is that of Turner (1986), as
 * in Guava and Envoy. The sliding window lets through at most `limit` in any stretch of `per`; it is an exact log, and
 * takes 8 bytes for each of those calls. Waiting by reservation is after Go's `x/time/rate` and resilience4j.
 *
 * @throws ConfigurationError for an option that cannot work
 * @example
 * ```ts
 * import { RateLimitedError, rateLimiter, shield } from 'escudo'
 *
 * const mail = shield('mail', rateLimiter({ limit: 100, per: '1m', burst: 10, perKey: {} }))
 * const send = (to: string) => mail.run(async () => `sent to ${to}`, { key: to })
 * const answer = await send('ana@example.org').catch((error) => {
 *   if (error instanceof RateLimitedError) return `again in ${error.retryAfterMs} ms`
 *   throw error
 * })
 * console.log(answer) // sent to ana@example.org
 * ```
 */
export function rateLimiter(options: RateLimiterOptions): Policy {
  return new RateLimiterPolicy(options)
}

const PATH = 'rateLimiter'
/** Aborted was given up by its caller, or cut off from further out, while it waited. */
const OUTCOMES = ['admitted', 'admitted_after_wait', 'aborted'] as const

class RateLimiterPolicy extends LayerPolicy implements Policy, QueueOwner {
  readonly name: string
  readonly type = PATH
  readonly settings: Readonly<Record<string, number>>
  readonly countable: Countable = { outcomes: OUTCOMES }
  readonly maxWaitMs: number
  readonly #problem: string
  readonly #makeLane: (key: string | undefined) => RateLimitQueue
  /** The lane of all calls, or those of the keys. */
  readonly #single: RateLimitQueue | undefined
  readonly #lanes: KeyedStates<RateLimitQueue> | undefined
  #queued = 0
  clock: Clock = systemClock

  constructor(options: RateLimiterOptions) {
    super()
    knownKeys(options, PATH, ['limit', 'per', 'algorithm', 'burst', 'maxWait', 'perKey', 'name'])
    this.name = checkedName(options.name ?? PATH, `${PATH}.name`)
    const makeLimit = readLimit(options)
    this.maxWaitMs = toMs(options.maxWait ?? 0, `${PATH}.maxWait`)
    const maxKeys = readMaxKeys(options.perKey, `${PATH}.perKey`)
    const { limit, burst = options.algorithm === 'slidingWindow' ? 0 : limit } = options
    const perMs = toMs(options.per, `${PATH}.per`)
    this.settings = { limit, burst, perMs, maxWaitMs: this.maxWaitMs }
    this.#problem = `${options.limit} calls per ${toMs(options.per, `${PATH}.per`)} ms are allowed`
    this.#makeLane = (key) => new RateLimitQueue(key, makeLimit(), this)
    if (maxKeys === undefined) this.#single = this.#makeLane(undefined)
    else this.#lanes = new KeyedStates(maxKeys, this.#makeLane)
  }

  status(now: number): PolicyStatus {
    const lanes = this.#lanes
    // Of keys, that of a call without one; looking at it makes none.
    const lane = this.#single ?? lanes?.peek(undefined) ?? this.#makeLane(undefined)
    return {
      available: lane.available(now),
      ...(this.maxWaitMs > 0 ? { queued: this.#queued } : {}),
      ...(lanes === undefined ? {} : { keys: lanes.size }),
    }
  }

  [LAYER](next: Layer, binding: Binding): Layer {
    const { clock, events } = binding
    this.clock = clock
    return {
      enter: (call, operation, outer) => {
        const cut = call.scope?.cancellation
        if (cut !== undefined) return passFailure(outer, new Failure(cut.reason, call.root))
        const lane = this.#single ?? (this.#lanes as KeyedStates<RateLimitQueue>).of(call.root.key)
        const now = enteredMs(call)
        if (lane.tryTake(now)) {
          if (events.hasExecutedListeners) executed(binding, PATH, 'admitted')
          // A permit is used and never given back, so there is nothing to do on the way out.
          return next.enter(call, operation, outer)
        }
        const retryAfterMs = lane.refusalMs(call.deadline, now)
        if (retryAfterMs !== undefined) {
          return passFailure(outer, new Failure(this.#refuse(call, binding, retryAfterMs), call.root))
        }
        const waiter = lane.wait(call.scope, call.deadline, now)
        return waiter.over.then(() => {
          // Time has passed since the call was entered.
          call.enteredMs = undefined
          try {
            // With nothing to wait for between here and the operation: a cut in between would lose the permit.
            this.#checkTurn(call, lane, waiter.permit, binding)
          } catch (error) {
            return unwrap(passFailure(outer, new Failure(error, call.root)))
          }
          return unwrap(next.enter(call, operation, outer))
        })
      },
    }
  }

  /** The wait is over. Throws where the call was cut or its turn came too late; then it has no permit. */
  #checkTurn(call: Call, lane: RateLimitQueue, permit: number | undefined, binding: Binding): void {
    const cut = scopeOf(call)?.cancellation
    if (cut !== undefined) {
      // The permit may have come in the same tick as the cut: then it is for the next.
      if (permit !== undefined) lane.giveBack(permit)
      if (binding.events.hasExecutedListeners) executed(binding, PATH, 'aborted')
      throw cut.reason
    }
    if (permit === undefined) {
      // Nobody looked for so long that its turn would come too late.
      throw this.#refuse(call, binding, lane.refusalMs(undefined, this.clock.now()) ?? 0)
    }
    if (binding.events.hasExecutedListeners) executed(binding, PATH, 'admitted_after_wait')
  }

  #refuse(call: Call, binding: Binding, retryAfterMs: number): RateLimitedError {
    const now = this.clock.now()
    const { policy } = binding
    addNote(rootOf(call), { policy, state: 'rate limited', facts: this.status(now), retryAt: now + retryAfterMs })
    return refusal(binding, () => new RateLimitedError(binding, this.#problem, retryAfterMs))
  }

  /** A key for which calls wait is not forgotten for another. */
  queueChanged(lane: RateLimitQueue, by: 1 | -1): void {
    this.#queued += by
    const lanes = this.#lanes
    // A lane may have been forgotten with calls in it, where all keys had some: another one has its key now.
    if (lanes === undefined || lanes.peek(lane.key) !== lane) return
    if (lane.queued === 0) lanes.release(lane.key)
    else lanes.keep(lane.key)
  }
}
