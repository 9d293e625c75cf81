import type { Clock } from './clock.ts'
import { warn } from './events/events.ts'
import { ConfigurationError } from './options/configuration-error.ts'
import { show } from './options/durations.ts'
import type { AnyPolicy } from './policy.ts'

// The checks that run once, when a shield is built.

/**
 * Gives each policy its name within the shield: `retry`, then `retry-2`.
 *
 * @throws ConfigurationError for a value that is no policy, an explicit name that occurs twice, or a policy with a
 * status that occurs twice
 */
export function namePolicies(
  policies: readonly AnyPolicy[],
  shieldName: string,
): { name: string; policy: AnyPolicy }[] {
  const taken = new Set<string>()
  // A policy without a status may occur twice: it counts nothing. Most custom policies are of this kind.
  const repeated = policies.findIndex((policy, index) => policy?.status && policies.indexOf(policy) < index)
  if (repeated !== -1) {
    throw new ConfigurationError(
      `shield.policies[${repeated}]`,
      `the same policy '${policies[repeated]?.name}' is in shield '${shieldName}' twice and would count every call twice; create a second one`,
    )
  }
  return policies.map((policy, index) => {
    if (typeof policy?.wrap !== 'function') {
      throw new ConfigurationError(`shield.policies[${index}]`, `expected a policy, got ${show(policy)}`)
    }
    let { name } = policy
    if (taken.has(name)) {
      if (name !== policy.type) {
        throw new ConfigurationError(
          `shield.policies[${index}].name`,
          `'${name}' occurs twice in shield '${shieldName}'; give each policy its own name`,
        )
      }
      for (let number = 2; taken.has(name); number += 1) name = `${policy.type}-${number}`
    }
    taken.add(name)
    return { name, policy }
  })
}

/**
 * Returns the clock if it has the methods of one.
 *
 * @throws ConfigurationError for anything else
 */
export function checkedClock(clock: Clock): Clock {
  if (typeof clock?.now === 'function' && typeof clock.setTimer === 'function') return clock
  throw new ConfigurationError('shield.clock', `expected a clock with now() and setTimer(), got ${show(clock)}`)
}

const clocks = new WeakMap<AnyPolicy, Clock>()

/**
 * Binds a policy to the clock of its first shield, because its state contains instants of that clock.
 *
 * @throws ConfigurationError if the policy is already bound to another clock
 */
export function bindClock(policy: AnyPolicy, clock: Clock, shieldName: string): void {
  const bound = clocks.get(policy) ?? clock
  if (bound !== clock) {
    throw new ConfigurationError(
      'shield.clock',
      `the policy '${policy.name}' already belongs to a shield with another clock; give '${shieldName}' the same clock or a separate policy`,
    )
  }
  clocks.set(policy, clock)
}

const warned = new Set<string>()
// Bounds the set, in case a program generates names of shields. After this many warnings no more are printed.
const WARNED_MAX = 1_000

/**
 * Checks how the policies work together. A doubtful composition prints a warning, once per shield name and finding.
 *
 * @throws ConfigurationError for a composition that cannot work
 */
export function checkShield(
  shieldName: string,
  policies: readonly { readonly name: string; readonly policy: AnyPolicy }[],
): void {
  policies.forEach(({ policy }, index) => {
    const inside = policies.slice(index + 1).map(({ name, policy: { type, settings } }) => ({ name, type, settings }))
    for (const { level, path, message } of policy.check?.(inside) ?? []) {
      const text = `shield '${shieldName}': ${message}`
      if (level === 'error') throw new ConfigurationError(path, text)
      const finding = `${shieldName} ${path} ${message}`
      if (warned.has(finding) || warned.size >= WARNED_MAX) continue
      warned.add(finding)
      warn(`${path}: ${text}`, 'ESCUDO_ORDER')
    }
  })
}
