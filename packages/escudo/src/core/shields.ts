import { registeredShields } from './registry.ts'
import type { AnyShield } from './shield-types.ts'

/**
 * Returns every live shield of the process, in the order in which they were built.
 *
 * Those of `resilientFetch` and `standardShield` are included; a shield needs no registration. The library refers to a
 * shield weakly: one that your program no longer uses disappears from the list when it is garbage-collected. A shield
 * without policies is not listed: it has no state, and nothing to change.
 *
 * @returns a new list; empty on a runtime without `WeakRef`
 * @example
 * ```ts
 * import { retry, shield, shields } from 'escudo'
 *
 * const inventory = shield('inventory', retry())
 * console.log(shields().map(({ name }) => name)) // [ 'inventory' ]
 * console.log(inventory.name)
 * ```
 */
export function shields(): readonly AnyShield[] {
  return registeredShields()
    .filter(({ policies }) => policies.length > 0)
    .map((facts) => facts.shield)
}

/**
 * Returns the live shield with this name; the newest one if several have it.
 *
 * @returns undefined if there is none
 * @example
 * ```ts
 * import { findShield, retry, shield } from 'escudo'
 *
 * const inventory = shield('inventory', retry())
 * console.log(findShield('inventory') === inventory, findShield('unknown')) // true undefined
 * ```
 */
export function findShield(name: string): AnyShield | undefined {
  return shields().findLast((shield) => shield.name === name)
}
