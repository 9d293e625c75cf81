import type { Command, Given, Operand, Option } from '../command.ts'
import { act } from './act.ts'
import { CONNECTION_DETAILS, CONNECTION_OPTIONS } from './connection.ts'

const REASON: Option = {
  name: 'reason',
  value: 'TEXT',
  required: true,
  text: 'why, for the log of the service: at most 200 characters',
}

/** The options of all commands that act. */
export const ACTING_OPTIONS: readonly Option[] = [REASON, ...CONNECTION_OPTIONS]

/** The name of the shield. */
export const SHIELD: Operand = { name: 'SHIELD', text: 'the name of the shield, as in escudo status' }

const BREAKER: Operand = {
  name: 'POLICY',
  optional: true,
  text: 'the name of a circuit breaker (default: all of the shield)',
}
const BREAKER_OR_ALL: Operand = { ...BREAKER, text: 'the name of a circuit breaker (default: the whole shield)' }

/** The commands that move one lever. */
export const LEVERS: readonly Command[] = [
  lever('isolate', BREAKER, 'Open a circuit until reset: every call is rejected.', 'reset ends it.'),
  lever(
    'trip',
    BREAKER,
    'Open a circuit with its normal recovery.',
    'It closes after its open period, when the probes succeed. reset closes it at once.',
  ),
  lever('reset', BREAKER, 'Close a circuit, and forget what it has counted.', 'It ends isolate, trip and disable.'),
  lever(
    'disable',
    BREAKER_OR_ALL,
    'Bypass all policies of a shield, or one circuit breaker.',
    'Calls of a disabled shield have no timeout, no retry, no fallback and no limit.\nenable ends it.',
  ),
  lever('enable', BREAKER_OR_ALL, 'End disable.', 'A circuit that is open stays open: see reset.'),
]

function lever(name: string, policy: Operand, summary: string, details: string): Command {
  return {
    name,
    summary,
    operands: [SHIELD, policy],
    options: ACTING_OPTIONS,
    details: `${details}\n\n${CONNECTION_DETAILS}`,
    run: (given: Given, output) => act(given, output, { action: name }),
  }
}
