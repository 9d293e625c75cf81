import type { Binding } from '../../core/binding.ts'
import type { Ambient } from '../../core/context/ambient.ts'
import { type Cancellation, CancelScope } from '../../core/engine/cancel-scope.ts'
import { Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import { instantMs } from '../../core/engine/instant.ts'
import type { TimerEntry, TimerQueue } from '../../core/engine/timer-queue.ts'
import { TimeoutError } from '../../core/errors.ts'
import { addNote } from '../../core/explain/notes.ts'
import { stackless } from '../../errors/stackless.ts'
import { emitExecuted } from '../shared/executed.ts'
import type { TimeoutSettings } from './options.ts'

/**
 * The outcomes that a timeout's `executed` event carries. `in_time`: the operation settled by itself, with a value or an
 * error. `aborted`: the caller, the deadline or an outer timeout cancelled the call.
 */
export const OUTCOMES = ['in_time', 'timed_out', 'aborted'] as const

/** `in_grace`: a cooperative timeout has aborted the signal, and the operation returned a value within the grace. */
export type TimeoutOutcome = (typeof OUTCOMES)[number] | 'in_grace'

// When a call is due that has ended while it was paused.
const NEVER_MS = Number.POSITIVE_INFINITY

/** What all calls of one timeout in one shield share. */
export interface TimeoutContext {
  readonly binding: Binding
  readonly settings: TimeoutSettings
  readonly queue: TimerQueue
  /** The calls in their grace; undefined if the timeout is not cooperative. */
  readonly graceQueue?: TimerQueue
  /** Called once for each call that timed out. */
  readonly onExpired: () => void
}

/**
 * One call of a timeout. The frame is also the call's cancel scope and its entry in the timer queue, so that a call that
 * settles in time allocates one object and sets no timer.
 */
export class TimeoutFrame extends CancelScope implements Frame, TimerEntry {
  declare queued: boolean
  declare dueMs: number
  declare earlier: TimerEntry | undefined
  declare later: TimerEntry | undefined
  declare context: Ambient | undefined
  /** Whether this timeout, and nothing outside it, cancelled the call. */
  declare expired: boolean
  declare readonly outer: Frame
  declare protected readonly shared: TimeoutContext

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

  override get expiresMs(): number | undefined {
    // A call that has ended is no longer in the queue, and never expires.
    return this.queued ? this.dueMs : undefined
  }

  override expire(): Cancellation | undefined {
    if (this.cancellation !== undefined) return this.cancellation
    this.expired = true
    this.cancel({ by: 'escudo', reason: this.timedOut() })
    return this.cancellation
  }

  protected timedOut(): TimeoutError {
    const { binding, settings } = this.shared
    const make = (): TimeoutError => new TimeoutError(binding, settings.afterMs)
    return binding.stacks ? make() : stackless(make)
  }

  override pause(): boolean {
    if (!this.queued) return false
    this.queue.remove(this)
    return true
  }

  override resume(pausedMs: number, now: number): void {
    if (this.cancellation === undefined && this.dueMs < NEVER_MS)
      this.queue.addFor(this, Math.max(0, this.dueMs - pausedMs), now)
  }

  onValue(value: unknown): FrameResult {
    this.end()
    return passValue(this.outer, value)
  }

  /** Passes on the reason of the cancellation, whatever error the cancelled code threw. */
  onFailure(failure: Failure): FrameResult {
    this.end(this.cancellation === undefined ? failure.error : this.cancellation.reason)
    if (this.expired && failure.root !== undefined) {
      addNote(failure.root, { policy: this.shared.binding.policy, state: 'timed out', facts: this.shared.settings })
    }
    const { cancellation } = this
    if (cancellation === undefined && failure.stillRunning === undefined) return passFailure(this.outer, failure)
    // A new failure without `stillRunning`: policies outside a timeout do not wait for the work inside.
    const error = cancellation === undefined ? failure.error : cancellation.reason
    return passFailure(this.outer, new Failure(error, failure.root))
  }

  /** The queue that this call is in. */
  protected get queue(): TimerQueue {
    return this.shared.queue
  }

  /** When the call entered this timeout. */
  protected get startedMs(): number {
    return this.dueMs - this.shared.settings.afterMs
  }

  protected get outcome(): TimeoutOutcome {
    if (this.cancellation === undefined) return 'in_time'
    return this.expired ? 'timed_out' : 'aborted'
  }

  private end(error?: unknown): void {
    const { binding } = this.shared
    const { queued } = this
    this.queue.remove(this)
    this.unwatch()
    if (this.expired) this.emitTimeout()
    if (binding.events.hasExecutedListeners) this.emitExecuted(error)
    // It may be paused: a custom policy inside ended the call while the reader had an item.
    if (!queued) this.dueMs = NEVER_MS
  }

  private emitExecuted(error: unknown): void {
    const { binding } = this.shared
    emitExecuted(binding, 'timeout', this.outcome, instantMs(binding.clock) - this.startedMs, error)
  }

  /** Called when the call ends, not when the timer fires: listeners run in the asynchronous context of the call. */
  private emitTimeout(): void {
    const { binding, settings, onExpired } = this.shared
    const { events, shield, policy } = binding
    onExpired()
    if (events.hasListeners('timeout')) events.emit('timeout', { shield, policy, afterMs: settings.afterMs })
  }
}
