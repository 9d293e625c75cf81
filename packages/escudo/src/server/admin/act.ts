import type { PolicyStatus } from '../../core/policy.ts'
import type { ShieldFacts } from '../../core/registry.ts'
import type { NewOptions } from '../../core/shield-types.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { type JsonValue, truncate } from '../../errors/to-json.ts'
import type { Action, Command } from './command.ts'
import { reconfigureFrom } from './json-options.ts'
import { breakersOf, type Levers, type NamedBreaker, policyNamed } from './target.ts'
import { viewOf } from './view.ts'

/**
 * What an action changed.
 *
 * Both values have the same form: `{ state, failures, calls }` of a circuit breaker, `{ disabled }` of a shield, or
 * options. If a request names no policy, the values of its policies are under their names.
 */
export interface Effect {
  readonly before: JsonValue
  readonly after: JsonValue
  /** There may be changes that the values do not show: those of the circuits of single keys. */
  readonly isHidden?: boolean
}

type BreakerAction = Exclude<Action, 'reconfigure'>

/** A breaker takes no longer reason. */
const TRIP_REASON_LENGTH_MAX = 100

/**
 * Prepares an action: finds what it changes, and how to change it.
 *
 * @returns the state before, and the function that acts and returns the state after
 * @throws the error that the client gets: an unknown policy, or one that does not have this lever
 */
export function prepare(
  command: Command,
  shield: ShieldFacts,
  policy: string | undefined,
  contract: ErrorContract,
): { readonly before: JsonValue; readonly apply: () => Effect } {
  const { action, options } = command
  if (action === 'reconfigure') {
    if (policy !== undefined) policyNamed(shield, policy, contract)
    return { before: null, apply: () => reconfigure(shield, policy, options ?? {}) }
  }
  if (policy === undefined && (action === 'disable' || action === 'enable')) {
    const state = (): JsonValue => ({ disabled: isDisabled(shield) })
    return effectOf(state, () => shield.shield[action]())
  }
  const breakers = breakersOf(shield, policy, action, contract)
  const state = (): JsonValue => statesOf(breakers, policy, shield)
  const change = (): void => {
    for (const { breaker } of breakers) move(breaker, action, command.reason)
  }
  return effectOf(
    state,
    change,
    breakers.some(({ breaker }) => hasKeys(breaker, shield)),
  )
}

function effectOf(state: () => JsonValue, change: () => void, isHidden = false): ReturnType<typeof prepare> {
  const before = state()
  const apply = (): Effect => {
    change()
    return { before, after: state(), isHidden }
  }
  return { before, apply }
}

function move(breaker: Levers, action: BreakerAction, reason: string | undefined): void {
  // A breaker has no `enable`: `reset` ends every manual state. An open circuit was not disabled, so it stays open.
  if (action === 'enable') {
    if (breaker.state === 'disabled') breaker.reset()
  } else if (action === 'trip') breaker.trip(reason === undefined ? reason : shortened(reason))
  else breaker[action]()
}

function shortened(reason: string): string {
  return reason.length > TRIP_REASON_LENGTH_MAX ? truncate(reason, TRIP_REASON_LENGTH_MAX - 1) : reason
}

function statesOf(breakers: readonly NamedBreaker[], policy: string | undefined, { clock }: ShieldFacts): JsonValue {
  const states = breakers.map(({ name, breaker }): [string, JsonValue] => {
    // Not what passes by itself, such as the time until the next probe.
    const { state, failures, calls, reason } = statusOf(breaker, clock.now())
    return [name, viewOf({ state, failures, calls, ...(reason === undefined ? {} : { reason }) })]
  })
  return policy === undefined ? Object.fromEntries(states) : (states[0]?.[1] ?? null)
}

function hasKeys(breaker: Levers, { clock }: ShieldFacts): boolean {
  return statusOf(breaker, clock.now())['keys'] !== undefined
}

function statusOf(breaker: Levers, now: number): PolicyStatus {
  return breaker.status?.(now) ?? { state: breaker.state }
}

function reconfigure(shield: ShieldFacts, policy: string | undefined, options: Command['options'] & object): Effect {
  let told: { readonly before: NewOptions; readonly after: NewOptions } | undefined
  const stop = shield.shield.on('reconfigured', (event) => {
    // The first event is that of this change: those of changes that a listener makes follow it.
    told ??= event
  })
  try {
    reconfigureFrom(shield, policy, options)
  } finally {
    stop()
  }
  const shown = (values: NewOptions = {}): JsonValue => viewOf(policy === undefined ? values : values[policy])
  return { before: shown(told?.before), after: shown(told?.after) }
}

function isDisabled({ shield }: ShieldFacts): boolean {
  // A custom policy's status may throw. The lever must work then too.
  try {
    return shield.status().disabled === true
  } catch {
    return false
  }
}
