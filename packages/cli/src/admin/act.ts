import { type Given, misuse, type Output } from '../command.ts'
import { givenValue } from '../options.ts'
import { cell, json } from './cell.ts'
import { connectionOf, otherAnswer, pathTo } from './connection.ts'
import { colored } from './status-table.ts'

const REASON_LENGTH_MAX = 200
const VALUE_LENGTH_MAX = 60
const OUTCOMES: readonly unknown[] = ['done', 'unchanged']

/** The parts of the answer that are shown. */
interface Acted {
  readonly outcome?: unknown
  readonly before?: unknown
  readonly after?: unknown
}

/**
 * Sends an action to the shield or policy that the command line names, and prints what it has changed.
 *
 * @throws CommandError if the service refuses, or does not answer
 */
export async function act(given: Given, output: Output, command: Readonly<Record<string, unknown>>): Promise<void> {
  const connection = connectionOf(given)
  const shield = givenValue(given, 'SHIELD') ?? ''
  const policy = givenValue(given, 'POLICY')
  const reason = givenValue(given, 'reason') ?? ''
  if (reason.trim() === '' || reason.length > REASON_LENGTH_MAX) {
    throw misuse(`--reason takes text of 1 to ${REASON_LENGTH_MAX} characters`)
  }
  const answer = await connection.ask(pathTo(shield, policy), { ...command, reason })
  // Anything may answer at this address. Only this says that the action was done.
  if (!OUTCOMES.includes((answer as Acted).outcome)) throw otherAnswer(connection)
  if (given.has('json')) output.out(`${json(answer, 2)}\n`)
  else output.out(report(policy === undefined ? shield : `${shield} ${policy}`, answer as Acted, output))
}

/** `inventory circuitBreaker: closed -> isolated`, with a line for each value that has changed. */
function report(target: string, { outcome, before, after }: Acted, { terminal }: Output): string {
  const name = cell(target, 200)
  const shown = (value: string): string => colored(value, terminal)
  const [old, current] = [flat(before), flat(after)]
  if (outcome === 'unchanged') {
    const state = [...current].map(([key, value]) => `${key} ${shown(value)}`).join(', ')
    return `${name}: unchanged${state === '' ? '' : `; ${state}`}\n`
  }
  const changes = [...current].filter(([key, value]) => old.get(key) !== value)
  if (changes.length === 0) return `${name}: done\n`
  return changes.map(([key, value]) => `${name}: ${key} ${shown(old.get(key) ?? 'none')} -> ${shown(value)}\n`).join('')
}

/** Nested values by their path: `retry.maxRetries`. */
function flat(value: unknown, path = ''): ReadonlyMap<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return path === '' ? new Map() : new Map([[path, text(value)]])
  }
  const entries = Object.entries(value).flatMap(([key, item]) => [
    ...flat(item, path === '' ? cell(key, 100) : `${path}.${cell(key, 100)}`),
  ])
  return new Map(entries)
}

function text(value: unknown): string {
  if (value === null || value === undefined) return 'default'
  return cell(typeof value === 'string' ? value : JSON.stringify(value), VALUE_LENGTH_MAX)
}
