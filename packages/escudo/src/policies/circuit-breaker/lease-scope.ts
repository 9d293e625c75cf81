import { CallState } from '../../core/engine/call.ts'
import { type Cancellation, CancelScope } from '../../core/engine/cancel-scope.ts'
import type { BreakerContext } from './frame.ts'
import type { Breaker } from './state/breaker.ts'
import type { ProbePermit } from './state/permit.ts'

/**
 * The scope of a probe inside its breaker.
 *
 * The end of the lease cancels no operation that has begun: the scope has no timer. It only prevents that a probe which
 * waits inside the breaker begins after its lease, when the circuit may be open again.
 */
export class LeaseScope extends CancelScope {
  readonly #call: CallState
  readonly #breaker: Breaker
  readonly #context: BreakerContext
  /** Undefined if the breaker refuses nothing. */
  readonly #endsMs: number | undefined
  #refused: Cancellation | undefined

  constructor(call: CallState, breaker: Breaker, permit: ProbePermit, context: BreakerContext) {
    super()
    this.#call = call
    this.#breaker = breaker
    this.#context = context
    this.#endsMs = context.observes ? undefined : permit.leaseEndsMs
    this.#refused = undefined
  }

  override get enclosing(): CancelScope | undefined {
    return this.#call.scope
  }

  override get expiresMs(): number | undefined {
    return this.#endsMs
  }

  override get endsWhatRuns(): boolean {
    return false
  }

  /** Refuses what would begin, and cancels nothing. */
  override expire(): Cancellation {
    // `caller`, so that the inner policies count nothing: the dependency was not called.
    this.#refused ??= { by: 'caller', reason: this.#context.refuse(this.#call.root, this.#breaker) }
    return this.#refused
  }

  /** Policies around the breaker keep their permits while the operation ignores its signal. */
  override addStillRunning(work: PromiseLike<unknown>): void {
    const around = this.#call.scope
    if (around === undefined) super.addStillRunning(work)
    else around.addStillRunning(work)
  }
}

/** The same call inside the scope of its lease. */
export function leasedCall(call: CallState, lease: LeaseScope): CallState {
  const { root, scope, attempt, deadline, partScope, enteredMs } = call
  // The scope that ends the wait for the operation stays the same: see `partScope`.
  const leased = new CallState(root, lease, attempt, deadline, scope === partScope ? lease : partScope)
  leased.enteredMs = enteredMs
  return leased
}
