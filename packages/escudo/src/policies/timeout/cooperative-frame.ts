import type { Cancellation, CancelScope } from '../../core/engine/cancel-scope.ts'
import { Failure, type Frame, type FrameResult } from '../../core/engine/frame.ts'
import type { TimerQueue } from '../../core/engine/timer-queue.ts'
import type { TimeoutError } from '../../core/errors.ts'
import { withCause } from '../../core/secondary-error.ts'
import { type TimeoutContext, TimeoutFrame, type TimeoutOutcome } from './frame.ts'

/**
 * One call of a cooperative timeout. When the time is up, it aborts the signals of the operation, but the call goes on for
 * the grace. Only then is it cancelled.
 *
 * In the grace nothing begins any more: a policy that waits inside finds this scope overdue.
 */
export class CooperativeFrame extends TimeoutFrame {
  // Declared here and assigned in the constructor: see Watcher.
  declare private signals: CancelScope[] | undefined
  /** The reason of the aborted signals; undefined before the grace. */
  declare private timeout: TimeoutError | undefined
  /** When the grace began. */
  declare private graceMs: number

  constructor(outer: Frame, shared: TimeoutContext) {
    super(outer, shared)
    this.signals = undefined
    this.timeout = undefined
    this.graceMs = 0
  }

  override get expiresMs(): number | undefined {
    return this.timeout === undefined ? super.expiresMs : this.graceMs
  }

  override get endsWhatRuns(): boolean {
    return false
  }

  override expire(): Cancellation | undefined {
    if (this.cancellation !== undefined) return this.cancellation
    const graceEnds = this.timeout !== undefined && !this.queued
    const reason = this.timeout ?? this.beginGrace()
    const cancellation: Cancellation = { by: 'escudo', reason }
    if (graceEnds) {
      this.expired = true
      this.cancel(cancellation)
    }
    return cancellation
  }

  override onSignal(scope: CancelScope): void {
    if (this.timeout === undefined) {
      this.signals ??= []
      this.signals.push(scope)
    } else scope.abortSignal(this.timeout)
    super.onSignal(scope)
  }

  override onFailure(failure: Failure): FrameResult {
    const { timeout } = this
    if (timeout === undefined || this.cancellation !== undefined) return super.onFailure(failure)
    // The operation has ended, because its signal aborted.
    this.expired = true
    return super.onFailure(new Failure(withCause(timeout, failure.error), failure.root, failure.stillRunning))
  }

  protected override get queue(): TimerQueue {
    const { queue, graceQueue } = this.shared
    return this.timeout === undefined ? queue : (graceQueue as TimerQueue)
  }

  protected override get startedMs(): number {
    return (this.timeout === undefined ? this.dueMs : this.graceMs) - this.shared.settings.afterMs
  }

  protected override get outcome(): TimeoutOutcome {
    if (this.timeout === undefined || this.cancellation !== undefined) return super.outcome
    return this.expired ? 'timed_out' : 'in_grace'
  }

  private beginGrace(): TimeoutError {
    // A policy inside may have found the timeout overdue before its timer fired.
    this.queue.remove(this)
    this.graceMs = this.dueMs
    const timeout = this.timedOut()
    this.timeout = timeout
    this.queue.add(this)
    const { signals } = this
    this.signals = undefined
    for (const scope of signals ?? []) scope.abortSignal(timeout)
    return timeout
  }
}
