import { type CallRoot, type CallState, enteredMs } from '../../core/engine/call.ts'
import { type Cancellation, type CancelScope, Watcher } from '../../core/engine/cancel-scope.ts'
import { type Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import { emitExecuted } from '../shared/executed.ts'
import type { BreakerContext } from './frame.ts'
import { LeaseScope, leasedCall } from './lease-scope.ts'
import type { RiddenProbe } from './ridden-probe.ts'

/**
 * A call that rides on the probe of a call around it.
 *
 * It has no permit and counts nothing: only the outcome of the outer call settles the probe. A cancellation ends the
 * ride immediately, as it settles a probe. Like the probe, it begins within the lease.
 */
export class RiderFrame extends Watcher implements Frame {
  declare readonly outer: Frame
  declare private readonly call: CallState
  declare private readonly context: BreakerContext
  /** Undefined once the ride has ended. */
  declare private ride: RiddenProbe | undefined
  declare private readonly lease: LeaseScope
  /** The call for the inner policies. */
  declare readonly ridingCall: CallState
  declare private readonly startedMs: number

  constructor(outer: Frame, call: CallState, ride: RiddenProbe, context: BreakerContext) {
    super()
    this.outer = outer
    this.call = call
    this.context = context
    this.ride = ride
    this.lease = new LeaseScope(call, ride.owner, ride.permit, context)
    this.ridingCall = leasedCall(call, this.lease)
    this.startedMs = enteredMs(call)
  }

  get root(): CallRoot {
    return this.call.root
  }

  onValue(value: unknown): FrameResult {
    this.end()
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    this.end(failure.root, failure.error)
    return passFailure(this.outer, failure)
  }

  override onCancel(cancellation: Cancellation, toAbort: CancelScope[]): void {
    this.lease.onCancel(cancellation, toAbort)
    this.end(this.root, cancellation.reason)
  }

  /** Ends the ride, once. Adds the breaker's state to the notes of `failed`. */
  private end(failed?: CallRoot, error?: unknown): void {
    const { ride, context } = this
    if (ride === undefined) return
    this.ride = undefined
    this.unwatch()
    ride.end()
    const { binding, note } = context
    const now = binding.clock.now()
    if (failed !== undefined) note(failed, ride.owner, now)
    if (binding.events.hasExecutedListeners) {
      emitExecuted(binding, 'circuitBreaker', 'ignored', now - this.startedMs, error)
    }
  }
}
