import { synchronous } from '../errors/options/synchronous.ts'
import type { Clock } from './clock.ts'
import { tellInOrder } from './events/lever-order.ts'
import { reportOnce } from './events/report.ts'
import { ConfigurationError } from './options/configuration-error.ts'
import { show } from './options/durations.ts'
import { knownKeys } from './options/options.ts'
import { type AnyPolicy, LAYER, type OptionsChange, type PolicyOptions } from './policy.ts'
import { registeredShields, type ShieldFacts } from './registry.ts'
import type { NewOptions } from './shield-types.ts'
import { checkShield } from './validation.ts'

const PATH = 'reconfigure'

/** A live shield as `reconfigure` changes it. */
export interface Reconfigurable extends ShieldFacts {
  /** Makes the layers again, with the new options. */
  readonly refold: () => void
  /** Reports the change to the listeners of this shield. */
  readonly reconfigured: (before: NewOptions, after: NewOptions) => void
}

/**
 * Changes options of the policies of a shield: all of them, or none.
 *
 * The options belong to the policy, as its state does: they also change in the other shields that it is part of.
 *
 * @throws ConfigurationError for an unknown policy, an invalid option, or options that cannot work together in one of
 * these shields
 */
export function reconfigure(shield: Reconfigurable, options: NewOptions): void {
  knownKeys(
    options,
    PATH,
    shield.policies.map(({ name }) => name),
  )
  const changes = new Map<AnyPolicy, OptionsChange>()
  for (const { name, policy } of shield.policies) {
    if (Object.hasOwn(options, name)) changes.set(policy, changeOf(policy, name, options[name], shield))
  }
  if (changes.size === 0) return
  const shields = new Set([shield, ...(registeredShields() as readonly Reconfigurable[]).filter(hasAny(changes))])
  for (const { name, policies } of shields) checkShield(name, policies, changes)
  applyAll(changes, shield.clock)
  for (const { refold } of shields) refold()
  tellInOrder(() => {
    for (const { policies, reconfigured } of shields) {
      const changed = policies.filter(({ policy }) => changes.has(policy))
      const byName = (which: 'before' | 'after'): NewOptions =>
        Object.fromEntries(changed.map(({ name, policy }) => [name, changes.get(policy)?.[which] ?? {}]))
      reconfigured(byName('before'), byName('after'))
    }
  })
}

/** Applies all changes. If a custom policy throws against its contract, those before it get their old options again. */
function applyAll(changes: ReadonlyMap<AnyPolicy, OptionsChange>, clock: Clock): void {
  // Policies with a layer last. They are built in and do not throw, and so their state is never touched in vain.
  const inOrder = [...changes].sort(([one], [other]) => Number(hasLayer(one)) - Number(hasLayer(other)))
  const applied: typeof inOrder = []
  try {
    for (const [policy, change] of inOrder) {
      change.apply()
      applied.unshift([policy, change])
    }
  } catch (error) {
    for (const [policy, { before }] of applied) restore(policy, before, clock)
    throw error
  }
}

function restore(policy: AnyPolicy, before: PolicyOptions | undefined, clock: Clock): void {
  try {
    if (before !== undefined) policy.reconfigure?.(before, clock).apply()
  } catch (error) {
    reportOnce(policy, error, `${policy.name}.reconfigure`)
  }
}

function changeOf(policy: AnyPolicy, name: string, options: unknown, { clock }: ShieldFacts): OptionsChange {
  const path = `${PATH}.${name}`
  // A replaced `wrap` has wrapped the policy for good, with its old options.
  if (policy.reconfigure === undefined || (hasLayer(policy) && Object.hasOwn(policy, 'wrap'))) {
    throw new ConfigurationError(path, `the policy '${name}' has no options that can change; build a new shield`)
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError(path, `expected an object of options, got ${show(options)}`)
  }
  const change = synchronous(policy.reconfigure(options as PolicyOptions, clock), path)
  if (typeof change?.apply !== 'function') {
    throw new ConfigurationError(path, `expected { apply() } from the policy, but it returned ${show(change)}`)
  }
  return { after: options as PolicyOptions, ...change, apply: () => change.apply() }
}

function hasLayer(policy: AnyPolicy): boolean {
  return policy[LAYER] !== undefined
}

function hasAny(changes: ReadonlyMap<AnyPolicy, unknown>): (shield: ShieldFacts) => boolean {
  return ({ policies }) => policies.some(({ policy }) => changes.has(policy))
}
