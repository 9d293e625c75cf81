import { CallState } from '../../core/engine/call.ts'
import { type Cancellation, CancelScope } from '../../core/engine/cancel-scope.ts'
import type { Frame } from '../../core/engine/frame.ts'
import { type BreakerContext, BreakerFrame } from './frame.ts'
import type { Breaker } from './state/breaker.ts'
import type { ProbePermit } from './state/permit.ts'

/** A call that is a probe. It must begin within its lease. */
export class ProbeFrame extends BreakerFrame {
  declare private readonly lease: LeaseScope
  /** The call for the inner policies. */
  declare readonly probingCall: CallState

  /** @param refuse makes the refusal of a probe whose lease has ended before its operation begins */
  constructor(
    outer: Frame,
    call: CallState,
    breaker: Breaker,
    permit: ProbePermit,
    context: BreakerContext,
    refuse: () => unknown,
  ) {
    super(outer, call, breaker, permit, context)
    const { root, scope, attempt, deadline, partScope, enteredMs } = call
    this.lease = new LeaseScope(scope, permit.leaseEndsMs, refuse)
    // The scope that ends the wait for the operation stays the same: see `partScope`.
    this.probingCall = new CallState(root, this.lease, attempt, deadline, scope === partScope ? this.lease : partScope)
    this.probingCall.enteredMs = enteredMs
  }

  override onCancel(cancellation: Cancellation, toAbort: CancelScope[]): void {
    super.onCancel(cancellation)
    this.lease.onCancel(cancellation, toAbort)
  }
}

/**
 * The scope of a probe inside its breaker.
 *
 * The end of the lease cancels no operation that has begun: the scope has no timer. It only prevents that a probe which
 * waits inside the breaker begins after its lease, when the circuit may be open again.
 */
class LeaseScope extends CancelScope {
  readonly #around: CancelScope | undefined
  readonly #endsMs: number
  readonly #refuse: () => unknown

  constructor(around: CancelScope | undefined, endsMs: number, refuse: () => unknown) {
    super()
    this.#around = around
    this.#endsMs = endsMs
    this.#refuse = refuse
  }

  override get enclosing(): CancelScope | undefined {
    return this.#around
  }

  override get expiresMs(): number {
    return this.#endsMs
  }

  override expire(): void {
    // `caller`, so that the inner policies count nothing: the dependency was not called.
    this.cancel({ by: 'caller', reason: this.#refuse() })
  }

  /** Policies around the breaker keep their permits while the operation ignores its signal. */
  override addStillRunning(work: PromiseLike<unknown>): void {
    if (this.#around === undefined) super.addStillRunning(work)
    else this.#around.addStillRunning(work)
  }
}
