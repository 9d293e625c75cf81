import { isThenable, synchronous } from '../errors/options/synchronous.ts'
import { read } from '../errors/safe-read.ts'
import type { Clock } from './clock.ts'
import { warn } from './events/events.ts'
import type { Run } from './operation.ts'
import { ConfigurationError } from './options/configuration-error.ts'
import { show } from './options/durations.ts'
import { checkedName, knownKeys } from './options/options.ts'
import type { AnyPolicy, OptionsChange, PolicyFacts } from './policy.ts'

// The checks that run once, when a shield is built.

/**
 * Reads the first argument of `shield`: a name or options.
 *
 * @throws ConfigurationError for anything else. A policy in its place has a separate message, because that is the usual
 * mistake
 */
export function shieldOptions<O extends { readonly name: string }>(given: string | O): O {
  if (typeof given === 'string') return { name: given } as O
  if (typeof given !== 'object' || given === null || Array.isArray(given) || isPolicy(given)) {
    throw new ConfigurationError(
      'shield',
      `the name comes first, as in shield('inventory', retry()); got ${showPolicy(given)}`,
    )
  }
  knownKeys(given, 'shield', ['name', 'clock', 'random', 'stacks'])
  return given
}

function isPolicy(value: unknown): value is AnyPolicy {
  return typeof read(value, 'wrap') === 'function'
}

/** Formats what was given in place of a name or a policy. Says how to correct the usual mistakes. */
function showPolicy(value: unknown): string {
  if (isPolicy(value)) return `the policy ${show(value.name)}`
  if (Array.isArray(value)) return 'an array; pass the policies one by one, as in shield(name, ...policies)'
  if (typeof value === 'function') {
    return value.name === '' ? 'a function' : `the function '${value.name}'; call it: ${value.name}()`
  }
  return isThenable(value) ? 'a promise' : show(value)
}

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
  for (const [index, policy] of policies.entries()) {
    const path = `shield.policies[${index}]`
    if (!isPolicy(policy)) throw new ConfigurationError(path, `expected a policy, got ${showPolicy(policy)}`)
    checkedName(policy.name, `${path}.name`)
    checkedName(policy.type, `${path}.type`)
  }
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

/** Returns what the `wrap` of a custom policy returned, if it is a function. */
export function checkedRun(run: unknown, policy: string): Run {
  const path = `${policy}.wrap`
  if (typeof run === 'function') return run as Run
  throw new ConfigurationError(path, `expected a function, but it returned ${show(synchronous(run, path))}`)
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
 * @param changes new options, by policy, with which the composition is checked
 * @throws ConfigurationError for a composition that cannot work
 */
export function checkShield(
  shieldName: string,
  policies: readonly { readonly name: string; readonly policy: AnyPolicy }[],
  changes?: ReadonlyMap<AnyPolicy, OptionsChange>,
): void {
  const factsOf = (name: string, policy: AnyPolicy): PolicyFacts => {
    return { name, type: policy.type, settings: changes?.get(policy)?.settings ?? policy.settings }
  }
  policies.forEach(({ policy }, index) => {
    const inside = policies.slice(index + 1).map(({ name, policy }) => factsOf(name, policy))
    const findings = policy.check?.(inside, factsOf(policy.name, policy))
    for (const { level, path, message } of synchronous(findings, `${policy.name}.check`) ?? []) {
      const text = `shield '${shieldName}': ${message}`
      if (level === 'error') throw new ConfigurationError(path, text)
      const finding = `${shieldName} ${path} ${message}`
      if (warned.has(finding) || warned.size >= WARNED_MAX) continue
      warned.add(finding)
      warn(`${path}: ${text}`, 'ESCUDO_ORDER')
    }
  })
}
