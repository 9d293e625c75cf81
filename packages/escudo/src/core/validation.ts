import type { Clock } from './clock.ts'
import { warn } from './events/events.ts'
import { ConfigurationError } from './options/configuration-error.ts'
import { show } from './options/durations.ts'
import type { AnyPolicy } from './policy.ts'

// What is looked at once, when a shield is built of policies.

/** Gives each policy its name within the shield: `retry`, and `retry-2` for the second one. */
export function namePolicies(
  policies: readonly AnyPolicy[],
  shieldName: string,
): { name: string; policy: AnyPolicy }[] {
  const taken = new Set<string>()
  // One of somebody's own may stand there twice: it need not remember anything.
  const twice = policies.findIndex((policy, index) => policy?.status && policies.indexOf(policy) < index)
  if (twice !== -1) {
    throw new ConfigurationError(
      `shield.policies[${twice}]`,
      `the same policy '${policies[twice]?.name}' stands in shield '${shieldName}' twice, and would count every call twice; make a second one`,
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

/** A clock, or what looks like one. */
export function checkedClock(clock: Clock): Clock {
  if (typeof clock?.now === 'function' && typeof clock.setTimer === 'function') return clock
  throw new ConfigurationError('shield.clock', `expected a clock with now() and setTimer(), got ${show(clock)}`)
}

const clocks = new WeakMap<AnyPolicy, Clock>()

/** A policy keeps instants; it takes the clock of the first shield that it becomes part of, and has no other. */
export function bindClock(policy: AnyPolicy, clock: Clock, shieldName: string): void {
  const bound = clocks.get(policy) ?? clock
  if (bound !== clock) {
    throw new ConfigurationError(
      'shield.clock',
      `the policy '${policy.name}' is part of a shield with another clock already; give '${shieldName}' the same clock, or a policy of its own`,
    )
  }
  clocks.set(policy, clock)
}

const warned = new Set<string>()
// A program has a handful of shields; one that makes up names as it goes has been warned often enough.
const WARNED_MAX = 1_000

/** The check of the shield as a whole: what cannot work throws, what is doubtful warns once. */
export function checkShield(
  shieldName: string,
  policies: readonly { readonly name: string; readonly policy: AnyPolicy }[],
): void {
  policies.forEach(({ policy }, index) => {
    const inside = policies.slice(index + 1).map(({ name, policy: { type, settings } }) => ({ name, type, settings }))
    for (const { level, path, message } of policy.check?.(inside) ?? []) {
      const text = `shield '${shieldName}': ${message}`
      if (level === 'error') throw new ConfigurationError(path, text)
      // Once for each shield and finding.
      const finding = `${shieldName} ${path} ${message}`
      if (warned.has(finding) || warned.size >= WARNED_MAX) continue
      warned.add(finding)
      warn(`${path}: ${text}`, 'ESCUDO_ORDER')
    }
  })
}
