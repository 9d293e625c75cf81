import type { Terminal } from '../command.ts'
import { colored, type Listed, type ShownPolicy, type ShownShield } from './status-table.ts'

/** One instance of a service, and what it has answered. */
export interface Instance {
  readonly url: string
  readonly answer: unknown
  readonly view: Listed | undefined
  /** Why it has not answered. */
  readonly problem: string | undefined
}

const COLUMNS_DEFAULT = 80
const COLUMNS_MIN = 40
const NAME_WIDTH_MAX = 24
const COLUMN_WIDTH = 11
const NO_ANSWER = '?'
const MISSING = '-'

/**
 * The states of shields, a row for each and a column for each instance: the circuit breakers, and `disabled` or `enabled`
 * for shields without one. As many tables as the terminal needs, or 80 columns.
 */
export function fleetTable(instances: readonly Instance[], terminal: Terminal | undefined): string {
  const views = instances.map(({ view }) => view)
  const services = new Set(views.flatMap((view) => (view === undefined || view.service === '' ? [] : [view.service])))
  const answered = views.filter((view) => view !== undefined).length
  const head = `${[...services].join(', ') || 'the service'}: ${answered} of ${instances.length} instances answer\n`
  const list = instances.map(({ url, problem }, index) => {
    return `  ${index + 1}  ${url}${problem === undefined ? '' : `  ${problem}`}\n`
  })
  const rows = rowsOf(views)
  const width = Math.min(
    NAME_WIDTH_MAX,
    rows.reduce((most, { name }) => Math.max(most, name.length), 0),
  )
  const columns = Math.max(COLUMNS_MIN, terminal?.columns() || COLUMNS_DEFAULT)
  const perTable = Math.max(1, Math.floor((columns - width - 2) / COLUMN_WIDTH))
  const tables: string[] = []
  for (let from = 0; from < instances.length; from += perTable) {
    tables.push(tableOf(rows, width, from, Math.min(from + perTable, instances.length), terminal))
  }
  return [head, ...list, ...tables].join('')
}

interface Row {
  readonly name: string
  /** Of each instance; undefined for a shield, which only heads the rows of its policies. */
  readonly states: readonly string[] | undefined
  /** Why circuits are open. */
  readonly reasons: readonly string[]
}

function tableOf(
  rows: readonly Row[],
  width: number,
  from: number,
  to: number,
  terminal: Terminal | undefined,
): string {
  const numbers = Array.from({ length: to - from }, (_, index) => String(from + index + 1).padEnd(COLUMN_WIDTH))
  const lines = rows.map(({ name, states, reasons }) => {
    if (states === undefined) return name
    const cells = states.slice(from, to).map((state) => `${colored(state, terminal)}${' '.repeat(padding(state))}`)
    const shown = `${name.padEnd(width)}  ${cells.join('')}`.trimEnd()
    return [shown, ...reasons.map((reason) => `${' '.repeat(width)}  ${reason}`)].join('\n')
  })
  return ['', `${' '.repeat(width)}  ${numbers.join('')}`.trimEnd(), ...lines].map((line) => `${line}\n`).join('')
}

function padding(state: string): number {
  return Math.max(2, COLUMN_WIDTH - state.length)
}

function rowsOf(views: readonly (Listed | undefined)[]): readonly Row[] {
  const names = new Set(views.flatMap((view) => view?.shields.map(({ name }) => name) ?? []))
  return [...names].flatMap((name) => {
    const shields = views.map((view) =>
      view === undefined ? NO_ANSWER : view.shields.find((one) => one.name === name),
    )
    const policies = new Set(shields.flatMap((shield) => breakersOf(shield).map((policy) => policy.name)))
    const ofPolicies = [...policies].map((policy) => rowOf(policy, shields))
    if (ofPolicies.length > 0) return [{ name, states: undefined, reasons: [] }, ...ofPolicies]
    const states = shields.map((shield) => stateOf(shield, (known) => (known.disabled ? 'disabled' : 'enabled')))
    return [{ name, states, reasons: [] }]
  })
}

type Look = ShownShield | typeof NO_ANSWER | undefined

function rowOf(policy: string, shields: readonly Look[]): Row {
  const found = shields.map((shield) => breakersOf(shield).find(({ name }) => name === policy))
  const states = shields.map((shield, index) =>
    stateOf(shield, (known) => (known.disabled ? 'disabled' : (found[index]?.state ?? MISSING))),
  )
  const reasons = new Set(found.flatMap((breaker) => reasonOf(breaker) ?? []))
  return { name: `  ${policy}`, states, reasons: [...reasons] }
}

function stateOf(shield: Look, of: (shield: ShownShield) => string): string {
  if (shield === NO_ANSWER) return NO_ANSWER
  return shield === undefined ? MISSING : of(shield)
}

function breakersOf(shield: Look): readonly ShownPolicy[] {
  return shield === undefined || shield === NO_ANSWER ? [] : shield.policies.filter(({ state }) => state !== '')
}

/** Why a circuit is open. The status has the reason of the last opening also when it is closed. */
function reasonOf(breaker: ShownPolicy | undefined): string | undefined {
  return breaker === undefined || breaker.state === 'closed' ? undefined : breaker.reason
}
