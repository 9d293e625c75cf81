import type { Binding } from '../../core/binding.ts'
import type { Ambient } from '../../core/context/ambient.ts'
import { enteredMs, withScope } from '../../core/engine/call.ts'
import { CancelScope } from '../../core/engine/cancel-scope.ts'
import { Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { type TimerEntry, type TimerQueue, timerQueue } from '../../core/engine/timer-queue.ts'
import { stackless, TimeoutError } from '../../core/errors.ts'
import type { Countable } from '../../core/events/events.ts'
import { addNote } from '../../core/explain/notes.ts'
import { type Duration, toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys } from '../../core/options/options.ts'
import { LAYER, type Policy, type PolicyStatus } from '../../core/policy.ts'
import { executed } from '../shared/executed.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'

/** Options of {@link timeout}. */
export interface TimeoutOptions {
  /** Default: `timeout`. */
  readonly name?: string
}

/**
 * Ends the wait for an operation after a time, with a {@link TimeoutError}. Inside of a retry it bounds each attempt,
 * outside of one all attempts together.
 *
 * It settles on time, also when the operation ignores its signal; the signal is aborted with the same error. What the
 * caller aborts keeps the caller's reason, and a timeout further in is not taken for this one. It ends when the
 * operation returns: a body that is still streaming then is not cut. Semantics after Polly v8 and failsafe-go.
 *
 * @param after how long the operation may take
 * @throws ConfigurationError for a duration that cannot work
 * @example
 * ```ts
 * import { shield, TimeoutError, timeout } from 'escudo'
 *
 * const inventory = shield('inventory', timeout('2s'))
 * const answer = await inventory.run(async ({ signal }) => {
 *   signal.throwIfAborted()
 *   return 42
 * })
 * console.log(answer, TimeoutError.name)
 * ```
 */
export function timeout(after: Duration, options: TimeoutOptions = {}): Policy {
  return new TimeoutPolicy(after, options)
}

const TYPE = 'timeout'
/** In time is whatever the operation came to by itself, an error too; aborted was given up from further out. */
const OUTCOMES = ['in_time', 'timed_out', 'aborted'] as const

class TimeoutPolicy extends LayerPolicy implements Policy {
  readonly name: string
  readonly type = TYPE
  readonly settings: { readonly afterMs: number }
  readonly countable: Countable = { outcomes: OUTCOMES }
  #timeouts = 0

  constructor(after: Duration, options: TimeoutOptions) {
    super()
    knownKeys(options, 'timeout', ['name'])
    this.name = checkedName(options.name ?? 'timeout', 'timeout.name')
    this.settings = { afterMs: toMs(after, 'timeout.after', Number.MIN_VALUE) }
  }

  status(): PolicyStatus {
    return { timeouts: this.#timeouts }
  }

  [LAYER](next: Layer, binding: Binding): Layer {
    const { afterMs } = this.settings
    const queue = timerQueue(binding.clock, afterMs)
    const onExpired = (): void => {
      this.#timeouts += 1
    }
    const context: TimeoutContext = { binding, settings: this.settings, queue, onExpired }
    return {
      enter(call, operation, outer) {
        const frame = new TimeoutFrame(outer, context)
        queue.add(frame, enteredMs(call))
        if (call.scope !== undefined) frame.watch(call.scope)
        return next.enter(withScope(call, frame, frame.dueMs), operation, frame)
      },
    }
  }
}

/** What all calls of one timeout in one shield have in common. */
interface TimeoutContext {
  readonly binding: Binding
  readonly settings: { readonly afterMs: number }
  readonly queue: TimerQueue
  readonly onExpired: () => void
}

function outcomeOf({ cancellation, expired }: TimeoutFrame): (typeof OUTCOMES)[number] {
  if (cancellation === undefined) return 'in_time'
  return expired ? 'timed_out' : 'aborted'
}

/**
 * The frame of one timed call, which is also its scope and its place in the queue, so that a call in time makes one
 * object and no timer.
 */
class TimeoutFrame extends CancelScope implements Frame, TimerEntry {
  declare queued: boolean
  declare dueMs: number
  declare earlier: TimerEntry | undefined
  declare later: TimerEntry | undefined
  declare context: Ambient | undefined
  /** Whether this timeout, and nothing outside of it, cut the call. */
  declare expired: boolean
  declare readonly outer: Frame
  declare private readonly shared: TimeoutContext

  constructor(outer: Frame, shared: TimeoutContext) {
    super()
    this.queued = false
    this.dueMs = 0
    this.earlier = undefined
    this.later = undefined
    this.context = undefined
    this.expired = false
    this.outer = outer
    this.shared = shared
  }

  expire(): void {
    if (this.cancellation !== undefined) return
    this.expired = true
    const { binding, settings } = this.shared
    const make = (): TimeoutError => new TimeoutError(binding, settings.afterMs)
    this.cancel({ by: 'escudo', reason: binding.stacks ? make() : stackless(make) })
  }

  onValue(value: unknown): FrameResult {
    this.end()
    return passValue(this.outer, value)
  }

  // What was cut in here is over for everybody further out: a timeout waits for nothing that is held, and whatever the
  // code of a user made of the cut, its reason goes on.
  onFailure(failure: Failure): FrameResult {
    this.end()
    if (this.expired && failure.root !== undefined) {
      addNote(failure.root, { policy: this.shared.binding.policy, state: 'timed out', facts: this.shared.settings })
    }
    const { cancellation } = this
    // A new failure: policies outside a timeout do not wait for the work that is still running inside.
    return passFailure(
      this.outer,
      new Failure(cancellation === undefined ? failure.error : cancellation.reason, failure.root),
    )
  }

  private end(): void {
    const { binding, queue } = this.shared
    queue.remove(this)
    this.unwatch()
    if (this.expired) this.tellTimeout()
    if (binding.events.hasExecutedListeners) executed(binding, TYPE, outcomeOf(this))
  }

  /** Here, and not where the timer fires: this is the context of the call. */
  private tellTimeout(): void {
    const { binding, settings, onExpired } = this.shared
    const { events, shield, policy } = binding
    onExpired()
    if (events.hasListeners('timeout')) events.emit('timeout', { shield, policy, afterMs: settings.afterMs })
  }
}
