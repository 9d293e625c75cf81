import { enclosure, HeldPermit, heldPermitOf } from '../shared/enclosures.ts'
import type { Breaker } from './state/breaker.ts'
import type { ProbePermit } from './state/permit.ts'

/**
 * The probe of a half-open circuit, as the calls made inside the call that holds it find it.
 *
 * Such a call would otherwise be refused, because the probe that it is part of has the permit. It rides on that probe
 * instead. One call at a time may do so: a probe must not send a crowd to a dependency that has just failed. A call
 * inside a riding call rides on the same probe in turn.
 */
export class RiddenProbe extends HeldPermit {
  declare readonly owner: Breaker
  declare readonly permit: ProbePermit
  /** What this call rides on; undefined for the call that holds the probe. */
  declare private ridden: RiddenProbe | undefined
  declare private rider: RiddenProbe | undefined
  declare private ended: boolean

  constructor(breaker: Breaker, permit: ProbePermit, ridden?: RiddenProbe) {
    super()
    this.owner = breaker
    this.permit = permit
    this.ridden = ridden
    this.rider = undefined
    this.ended = false
    if (ridden !== undefined) ridden.rider = this
  }

  /** False as soon as the probe is settled, its lease is over or its circuit has changed; for a ride, also after it. */
  override get isHeld(): boolean {
    return !this.ended && this.owner.openPeriod?.trial?.isInFlight(this.permit) === true
  }

  /** Starts a ride; undefined if another one has not ended. */
  tryRide(): RiddenProbe | undefined {
    return this.rider === undefined ? new RiddenProbe(this.owner, this.permit, this) : undefined
  }

  /** Ends this ride. A call that still rides on it then rides on what this one rode on. */
  end(): void {
    if (this.ended) return
    this.ended = true
    const { ridden, rider } = this
    if (ridden !== undefined) ridden.rider = rider
    if (rider !== undefined) rider.ridden = ridden
  }
}

/**
 * Starts a ride on the probe of a call around this one; undefined if there is none, or if it has a rider.
 *
 * @param now ends leases that are over before the probe is looked at
 */
export function tryRide(breaker: Breaker, now: number): RiddenProbe | undefined {
  breaker.advance(now)
  return (heldPermitOf(breaker, enclosure()) as RiddenProbe | undefined)?.tryRide()
}
