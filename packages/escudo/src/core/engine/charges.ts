import { MisuseError } from '../misuse-error.ts'
import { wholeNumber } from '../options/options.ts'
import type { CallRoot, Charge } from './call-root.ts'

// A call has as many charges as limiters and attempts. Older ones than these are final.
const CHARGES_MAX = 32

/** Records a charge, so that the operation can settle it. */
export function addCharge(root: CallRoot, charge: Charge): void {
  root.charges ??= []
  root.charges.push(charge)
  if (root.charges.length > CHARGES_MAX) root.charges.shift()
}

/**
 * Corrects what each limiter has charged for an attempt. A limiter around a retry has charged the call once, when another
 * attempt was made: it corrects its last charge.
 *
 * @throws MisuseError if the call has no cost; ConfigurationError if `actual` is no whole number
 */
export function settleCharges(root: CallRoot, attempt: number, actual: number): void {
  if (root.cost === undefined) {
    throw new MisuseError(`shield '${root.host.name}': settle() needs a call with a cost: run(operation, { cost })`)
  }
  wholeNumber(actual, 'settle.actual', 0)
  const latest = new Map<object, Charge>()
  for (const charge of root.charges ?? []) {
    if (charge.attempt === attempt || latest.get(charge.by)?.attempt !== attempt) latest.set(charge.by, charge)
  }
  for (const charge of latest.values()) {
    const { settle } = charge
    charge.settle = undefined
    settle?.(actual)
  }
}
