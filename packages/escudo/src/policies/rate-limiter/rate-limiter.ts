import type { Binding } from '../../core/binding.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { afterWait, type CallState, enteredMs } from '../../core/engine/call.ts'
import { addCharge } from '../../core/engine/charges.ts'
import { Failure, passFailure, unwrap } from '../../core/engine/frame.ts'
import { cancellationAfterWait } from '../../core/engine/late-start.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { hasCallWatchers, reportWait } from '../../core/events/call-events.ts'
import type { Countable } from '../../core/events/events.ts'
import { addNote } from '../../core/explain/notes.ts'
import { MisuseError } from '../../core/misuse-error.ts'
import type { OptionsChange, Policy, PolicyOptions, PolicyStatus } from '../../core/policy.ts'
import type { SharedLimit } from '../../core/shared-state.ts'
import { ChangeableOptions } from '../shared/changeable-options.ts'
import { emitExecuted } from '../shared/executed.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { type OrderRule, RATE_LIMITER_RULES } from '../shared/order-rules.ts'
import { noteCancelled, passCancelled } from '../shared/pass-cancelled.ts'
import { RateLimitedError } from '../shared/rate-limited-error.ts'
import { refusal } from '../shared/refusal.ts'
import { KeyedStates } from '../shared/state/keyed-states.ts'
import { costOfFleet, exactLayer } from './exact-layer.ts'
import { type RateLimiterOptions, readRateLimiter, type SharingSettings } from './options.ts'
import { graceMsOf, type QueueOwner, RateLimitQueue, type WaitingCall } from './rate-limit-queue.ts'
import { isPast } from './state/permit-queue.ts'
import type { RateLimit, RateLimitSettings } from './state/rate-limit.ts'

/**
 * Limits calls per unit of time: `limit` calls `per` duration, for all calls or per key.
 *
 * A call without a permit waits for one, at most `maxWait`. It is rejected immediately with {@link RateLimitedError} if
 * its permit does not come within `maxWait` and before its deadline. The `retryAfterMs` of the refusal is exact. An
 * outer breaker counts the refusal as `ignored`.
 *
 * Permits are reserved in order of arrival. A call leaves the queue immediately when its caller aborts, and all calls
 * behind it move up. A permit is used when the limiter lets the call through, whatever its outcome. A blocked event
 * loop gives no credit: never more than `burst` calls start at once (in a sliding window, `limit`).
 *
 * The token bucket allows at most `burst + limit · t / per` calls in any time `t`. It is that of Turner (1986), as in
 * Guava and Envoy. The sliding window allows at most `limit` calls in any period of length `per`. It is an exact log
 * and stores 8 bytes for each of those calls. Waiting by reservation follows Go's `x/time/rate` and resilience4j.
 *
 * @throws ConfigurationError for an invalid option
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

const TYPE = 'rateLimiter'

type CreateLimit = (key: string | undefined) => RateLimit
/** `aborted`: the call was cancelled while it waited. */
const OUTCOMES = ['admitted', 'admitted_after_wait', 'aborted'] as const

class RateLimiterPolicy extends LayerPolicy implements Policy, QueueOwner {
  readonly name: string
  readonly type = TYPE
  settings: Readonly<Record<string, number>>
  readonly countable: Countable = { outcomes: OUTCOMES }
  maxWaitMs: number
  readonly #options: ChangeableOptions<RateLimiterOptions>
  #createLimit: CreateLimit
  readonly #sharing: SharingSettings | undefined
  /** The queue of all calls; undefined if each key has one. */
  #single: RateLimitQueue | undefined
  /** The queues of the keys; undefined if there is one for all calls. */
  readonly #keyed: KeyedStates<RateLimitQueue> | undefined
  #queued = 0
  #isJoined = false
  clock: Clock = systemClock

  constructor(options: RateLimiterOptions) {
    super()
    const { name, createLimit, settings, maxWaitMs, maxKeys, sharing } = readRateLimiter(options)
    this.name = name
    this.#options = new ChangeableOptions(options, TYPE, ['algorithm', 'perKey', 'shared', 'exact', 'onLoss'])
    this.maxWaitMs = maxWaitMs
    this.settings = { ...settings, maxWaitMs }
    this.#sharing = sharing
    this.#createLimit = createLimit
    if (maxKeys === undefined) this.#single = this.#createQueue(undefined)
    else this.#keyed = new KeyedStates(maxKeys, (key) => this.#createQueue(key))
  }

  reconfigure(given: PolicyOptions): OptionsChange {
    return this.#options.change(given, (options) => {
      const changed = readRateLimiter(options)
      const settings = { ...changed.settings, maxWaitMs: changed.maxWaitMs }
      const apply = (): void => {
        this.settings = settings
        this.maxWaitMs = changed.maxWaitMs
        if (this.#sharing === undefined) this.#createLimit = changed.createLimit
        this.#resize(changed.settings)
      }
      return { apply, settings }
    })
  }

  /** An evicted queue keeps its limit: no new call enters it. */
  #resize(settings: RateLimitSettings): void {
    const now = this.clock.now()
    const queues = this.#keyed?.states ?? [this.#single as RateLimitQueue]
    for (const queue of queues) queue.resize(settings, this.maxWaitMs, now)
  }

  #createQueue(key: string | undefined): RateLimitQueue {
    return new RateLimitQueue(key, this.#createLimit(key), this)
  }

  status(now: number): PolicyStatus {
    const keyed = this.#keyed
    // With keys, the status is that of calls without one. Reading it creates no key.
    const queue = this.#single ?? keyed?.peek(undefined) ?? this.#createQueue(undefined)
    return {
      // Only Redis knows it, if it is asked for each call.
      ...(this.#sharing?.exact ? {} : { available: queue.available(now) }),
      ...(this.maxWaitMs > 0 ? { queued: this.#queued } : {}),
      ...(keyed === undefined ? {} : { keys: keyed.size }),
    }
  }

  protected override get orderRules(): readonly OrderRule[] {
    return RATE_LIMITER_RULES
  }

  layer(next: Layer, binding: Binding): Layer {
    const { clock, events } = binding
    this.clock = clock
    const sharing = this.#sharing
    if (sharing !== undefined) {
      this.#join(sharing, binding)
      const limitOf = (key: string | undefined): SharedLimit => this.#queueOf(key).limit as SharedLimit
      if (sharing.exact) return exactLayer(next, binding, limitOf, this, (...refused) => this.#refuse(...refused))
    }
    return {
      enter: (call, operation, outer) => {
        const cancellation = call.scope?.cancellation
        if (cancellation !== undefined) return passCancelled(call, cancellation.reason, binding.policy, outer)
        const queue = this.#queueOf(call.root.key)
        const now = enteredMs(call)
        const { cost } = call.root
        if (cost !== undefined && cost > queue.costMax) {
          const problem = sharing === undefined ? this.#tooCostly(call, cost, queue, binding) : costOfFleet(binding)
          return passFailure(outer, new Failure(problem, call.root))
        }
        const permit = queue.tryAcquire(now, cost)
        if (permit !== undefined) {
          if (cost !== undefined) this.#charge(call, queue.settlement(permit, cost))
          if (events.hasExecutedListeners) emitExecuted(binding, TYPE, 'admitted', 0)
          // A used permit is never given back, so the policy needs no frame.
          return next.enter(call, operation, outer)
        }
        const retryAfterMs = queue.retryAfterMs(call.deadline, now, cost)
        if (retryAfterMs !== undefined) {
          return passFailure(outer, new Failure(this.#refuse(call, binding, retryAfterMs), call.root))
        }
        const waitingCall = queue.wait(call.scope, call.deadline, now, cost)
        return waitingCall.over.then(() => {
          const resumed = afterWait(call)
          try {
            // Nothing is awaited between this check and the operation: a cancellation in between would lose the permit.
            this.#checkTurn(resumed, queue, waitingCall, now, binding)
            if (waitingCall.settle !== undefined) this.#charge(resumed, waitingCall.settle)
            if (hasCallWatchers()) reportWait(binding.shield, binding.policy, TYPE, enteredMs(resumed) - now)
          } catch (error) {
            return unwrap(passFailure(outer, new Failure(error, call.root)))
          }
          return unwrap(next.enter(resumed, operation, outer))
        })
      },
    }
  }

  /** The permits are those of the fleet from now on. Several shields with one limiter share those of the first one. */
  #join({ state, onLoss, exact }: SharingSettings, { shield, policy, clock }: Binding): void {
    if (this.#isJoined) return
    this.#isJoined = true
    const onPermits = (key: string | undefined): void => (this.#single ?? this.#keyed?.peek(key))?.permitsCame()
    this.#createLimit = (key) => {
      const { limit, perMs, burst } = this.settings as unknown as RateLimitSettings
      return state.limit({
        shield,
        policy,
        key,
        clock,
        limit: { limit, perMs, burst },
        leased: !exact,
        onLoss,
        onPermits,
      })
    }
    if (this.#single !== undefined) this.#single = this.#createQueue(undefined)
  }

  #queueOf(key: string | undefined): RateLimitQueue {
    return this.#single ?? (this.#keyed as KeyedStates<RateLimitQueue>).use(key)
  }

  /**
   * Checks a call whose wait is over.
   *
   * @throws the reason of the cancellation if the call was cancelled, or the refusal if its permit would come too late
   */
  #checkTurn(
    call: CallState,
    queue: RateLimitQueue,
    waitingCall: WaitingCall,
    startedMs: number,
    binding: Binding,
  ): void {
    const { permit, cost, latestMs } = waitingCall
    const limitMs = latestMs + graceMsOf(this.clock)
    const cancellation = cancellationAfterWait(call, limitMs)
    if (cancellation !== undefined) {
      // The permit may arrive in the same tick as the cancellation. It then goes to the next call.
      giveBack(queue, waitingCall)
      noteCancelled(call, binding.policy, this.status(this.clock.now()))
      const { reason } = cancellation
      if (binding.events.hasExecutedListeners) {
        emitExecuted(binding, TYPE, 'aborted', this.clock.now() - startedMs, reason)
      }
      throw reason
    }
    if (permit === undefined || isPast(limitMs, enteredMs(call))) {
      // The event loop was blocked for so long that the permit came too late, or the limit has changed.
      giveBack(queue, waitingCall)
      if (cost !== undefined && cost > queue.costMax) throw this.#tooCostly(call, cost, queue, binding)
      throw this.#refuse(call, binding, queue.retryAfterMs(undefined, this.clock.now(), cost) ?? 0)
    }
    if (binding.events.hasExecutedListeners) {
      emitExecuted(binding, TYPE, 'admitted_after_wait', enteredMs(call) - startedMs)
    }
  }

  #charge(call: CallState, settle: (actual: number) => void): void {
    addCharge(call.root, { by: this, attempt: call.attempt, settle })
  }

  /** The error of a call that could never get its permits. A mistake in the program: no policy retries or replaces it. */
  #tooCostly({ root }: CallState, cost: number, { costMax }: RateLimitQueue, binding: Binding): MisuseError {
    const { shield, policy } = binding
    addNote(root, { policy, state: 'cost too high', facts: this.status(this.clock.now()), endedHere: true })
    return new MisuseError(
      `run.cost: shield '${shield}': the policy '${policy}' holds at most ${costMax} permits, so a call with a cost of ${cost} would never get them`,
    )
  }

  #refuse(call: CallState, binding: Binding, retryAfterMs: number): RateLimitedError {
    const now = this.clock.now()
    const { policy } = binding
    const retryAt = now + retryAfterMs
    addNote(call.root, { policy, state: 'rate limited', facts: this.status(now), retryAt, endedHere: true })
    const { limit, perMs } = this.settings
    const problem = `${limit} calls per ${perMs} ms are allowed`
    return refusal(binding, () => new RateLimitedError(binding, problem, retryAfterMs))
  }

  /** Protects a key from eviction while calls wait for it. */
  queueChanged(queue: RateLimitQueue, by: 1 | -1): void {
    this.#queued += by
    const keyed = this.#keyed
    // If calls waited for all keys, this queue may have been evicted, and another queue may have its key now.
    if (keyed === undefined || keyed.peek(queue.key) !== queue) return
    if (queue.queued === 0) keyed.release(queue.key)
    else keyed.keep(queue.key)
  }
}

/** Gives back the permits of a call that does not use them. */
function giveBack(queue: RateLimitQueue, { permit, settle }: WaitingCall): void {
  if (settle !== undefined) settle(0)
  else if (permit !== undefined) queue.giveBack(permit)
}
