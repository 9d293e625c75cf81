import type { CallState } from '../../core/engine/call.ts'
import type { Cancellation, CancelScope } from '../../core/engine/cancel-scope.ts'
import type { Frame } from '../../core/engine/frame.ts'
import { type BreakerContext, BreakerFrame } from './frame.ts'
import { LeaseScope, leasedCall } from './lease-scope.ts'
import type { Breaker } from './state/breaker.ts'
import type { ProbePermit } from './state/permit.ts'

/** A call that is a probe. It must begin within its lease. */
export class ProbeFrame extends BreakerFrame {
  declare private readonly lease: LeaseScope
  /** The call for the inner policies. */
  declare readonly probingCall: CallState

  constructor(outer: Frame, call: CallState, breaker: Breaker, permit: ProbePermit, context: BreakerContext) {
    super(outer, call, breaker, permit, context)
    this.lease = new LeaseScope(call, breaker, permit, context)
    this.probingCall = leasedCall(call, this.lease)
  }

  override onCancel(cancellation: Cancellation, toAbort: CancelScope[]): void {
    this.lease.onCancel(cancellation, toAbort)
    super.onCancel(cancellation)
  }
}
