import type { Terminal } from '../command.ts'
import { cell } from './cell.ts'

/** What is read of the answer of `GET /admin/shields`. */
export interface Listed {
  readonly service: string
  readonly shields: readonly ShownShield[]
  /** The number of shields, if the list does not have all of them. */
  readonly total: number
}

/** A shield, as the service shows it. */
export interface ShownShield {
  readonly name: string
  readonly disabled: boolean
  /** Why the service could not read the status. */
  readonly error: string | undefined
  readonly policies: readonly ShownPolicy[]
}

/** A policy, as the service shows it. */
export interface ShownPolicy {
  readonly name: string
  /** The state of a circuit breaker; empty for other policies. */
  readonly state: string
  /** The counters, and what else its status has. */
  readonly details: string
  /** Why a circuit is open, if it says so. */
  readonly reason?: string | undefined
}

const COLUMNS_DEFAULT = 80
const COLUMNS_MIN = 40
const NAME_WIDTH_MAX = 24
const STATE_WIDTH = 9

/** Reads the answer of a service; undefined if it has another form. */
export function readListed(answer: unknown): Listed | undefined {
  const { service, shields, total } = answer as Partial<Listed>
  if (!Array.isArray(shields)) return undefined
  const listed = shields.map(readShield)
  return {
    service: cell(service, 100),
    shields: listed,
    total: typeof total === 'number' ? total : listed.length,
  }
}

/** Reads the answer of a service about one shield; undefined if it has another form. */
export function readOne(answer: unknown): Listed | undefined {
  const { name, policies } = answer as Readonly<Record<string, unknown>>
  if (typeof name !== 'string' || !Array.isArray(policies)) return undefined
  return { service: '', shields: [readShield(answer)], total: 1 }
}

/** Reads the status of one shield. */
function readShield(status: unknown): ShownShield {
  const { name, disabled, error, policies } = (status ?? {}) as Readonly<Record<string, unknown>>
  return {
    name: cell(name, 100),
    disabled: disabled === true,
    error: error === undefined ? undefined : cell(error, 200),
    policies: Array.isArray(policies) ? policies.map(readPolicy) : [],
  }
}

function readPolicy(status: unknown): ShownPolicy {
  const { name, type, state, openedAt: _, ...others } = (status ?? {}) as Readonly<Record<string, unknown>>
  const isOther = typeof type === 'string' && !cell(name, 100).startsWith(type)
  const details = Object.entries({ ...(isOther ? { type } : {}), ...others }).flatMap(([key, value]) =>
    detailOf(key, value),
  )
  const { reason } = others
  return {
    name: cell(name, 100),
    state: typeof state === 'string' ? cell(state, 20) : '',
    details: details.join(', '),
    reason: typeof reason === 'string' && reason !== '' ? cell(reason, 100) : undefined,
  }
}

function detailOf(key: string, value: unknown): readonly string[] {
  if (key === 'retryAfterMs' && typeof value === 'number') return [`next probe in ${Math.ceil(value / 1_000)} s`]
  if (typeof value === 'number') return [`${cell(key, 40)} ${Number.isInteger(value) ? value : value.toFixed(2)}`]
  if (typeof value === 'string' || typeof value === 'boolean') return [`${cell(key, 40)} ${cell(value, 120)}`]
  const { code, name } = (value ?? {}) as { readonly code?: unknown; readonly name?: unknown }
  // The last failure of a circuit breaker.
  return typeof code === 'string' || typeof name === 'string' ? [`${cell(key, 40)} ${cell(code ?? name, 60)}`] : []
}

/** Shields and their policies, no wider than the terminal, or 80 columns. */
export function table(shields: readonly ShownShield[], terminal: Terminal | undefined): string {
  const columns = Math.max(COLUMNS_MIN, terminal?.columns() || COLUMNS_DEFAULT)
  let nameWidth = 0
  // Not `Math.max(...lengths)`: a list may have more policies than a call may have arguments.
  for (const { policies } of shields) for (const { name } of policies) nameWidth = Math.max(nameWidth, name.length)
  nameWidth = Math.min(NAME_WIDTH_MAX, nameWidth)
  const stateWidth = shields.some(({ policies }) => policies.some(({ state }) => state !== '')) ? STATE_WIDTH : 0
  const lines = shields.flatMap((shield) => [
    headOf(shield, terminal),
    ...shield.policies.map((policy) => lineOf(policy, { nameWidth, stateWidth, columns, terminal })),
  ])
  return lines.map((line) => `${line}\n`).join('')
}

function headOf({ name, disabled, error }: ShownShield, terminal: Terminal | undefined): string {
  // Complete, even if it is long: an operator copies it.
  const off = disabled ? `  ${colored('disabled', terminal)}: its policies do not act` : ''
  return `${name}${off}${error === undefined ? '' : `  ${error}`}`
}

interface Layout {
  readonly nameWidth: number
  readonly stateWidth: number
  readonly columns: number
  readonly terminal: Terminal | undefined
}

function lineOf({ name, state, details }: ShownPolicy, { nameWidth, stateWidth, columns, terminal }: Layout): string {
  const gap = '  '
  const start = `${gap}${name.padEnd(nameWidth)}${gap}`
  const stateCell = stateWidth === 0 ? '' : `${state.padEnd(stateWidth)}${gap}`
  const room = columns - start.length - stateCell.length
  const shownState = state === '' ? stateCell : stateCell.replace(state, () => colored(state, terminal))
  // A long name uses up the room for details.
  return `${start}${shownState}${room > 0 ? cell(details, room) : ''}`.trimEnd()
}

const COLORS: Readonly<Record<string, number>> = {
  closed: 32,
  open: 31,
  isolated: 31,
  'half-open': 33,
  disabled: 33,
}

/** The text in the colour of a state, on a terminal with colours. */
export function colored(state: string, terminal: Terminal | undefined): string {
  const color = terminal?.hasColor === true && Object.hasOwn(COLORS, state) ? COLORS[state] : undefined
  return color === undefined ? state : `\u001b[${color}m${state}\u001b[0m`
}
