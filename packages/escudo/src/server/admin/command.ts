import type { Finding } from '../../errors/catalogue/well-known.ts'
import { read } from '../../errors/safe-read.ts'
import type { StandardSchema } from '../../errors/standard-schema.ts'
import { pointerOf, validationError } from '../validation.ts'
import { anySchema } from './any-schema.ts'

/** What an operator can do to a shield or to one of its policies. */
export const ACTIONS = ['isolate', 'trip', 'reset', 'disable', 'enable', 'reconfigure'] as const

/** One of {@link ACTIONS}. */
export type Action = (typeof ACTIONS)[number]

/** What an operator asks for: the body of a request, checked. */
export interface Command {
  readonly action: Action
  readonly reason: string | undefined
  /** The options of a reconfiguration; undefined for any other action. */
  readonly options: Readonly<Record<string, unknown>> | undefined
}

/** The largest body, in bytes. */
export const BODY_BYTES_MAX = 16_384
/** The longest reason, in characters. */
const REASON_LENGTH_MAX = 200

const OPTIONS_DEPTH_MAX = 6
const KEYS = ['action', 'reason', 'options']

/** The schema of the body, for documents. */
export const BODY: StandardSchema = anySchema({
  type: 'object',
  required: ['action'],
  properties: {
    action: { type: 'string', enum: ACTIONS },
    reason: { type: 'string', minLength: 1, maxLength: REASON_LENGTH_MAX, examples: ['deploy of the inventory'] },
    options: {
      type: 'object',
      description: 'The new options of a reconfiguration. A null is the default.',
      examples: [{ maxRetries: 0 }],
    },
  },
  additionalProperties: false,
})

/**
 * Reads the body of a request.
 *
 * @throws VALIDATION_ERROR with all findings
 */
export function readCommand(body: unknown): Command {
  const findings: Finding[] = []
  const add = (keys: readonly string[], code: string, message: string): void => {
    findings.push({ in: 'body', pointer: pointerOf(keys), code, message })
  }
  if (!isObject(body)) {
    add([], 'invalid_type', 'expected an object with an action')
    throw validationError(findings)
  }
  for (const key of Object.keys(body)) {
    if (!KEYS.includes(key)) add([key], 'unrecognized_key', `no such key; known here: ${KEYS.join(', ')}`)
  }
  const { action, reason, options } = body
  if (action === undefined) add(['action'], 'required', `expected one of ${ACTIONS.join(', ')}`)
  else if (!isAction(action)) add(['action'], 'invalid_value', `expected one of ${ACTIONS.join(', ')}`)
  if (reason !== undefined && !isReason(reason)) {
    add(['reason'], 'invalid_value', `expected text of 1 to ${REASON_LENGTH_MAX} characters`)
  }
  if (options !== undefined && action !== 'reconfigure') {
    add(['options'], 'unrecognized_key', 'only the action reconfigure has options')
  } else if (action === 'reconfigure') {
    const problem = problemOf(options)
    if (problem !== undefined) add(['options'], options === undefined ? 'required' : 'invalid_value', problem)
  }
  if (findings.length > 0) throw validationError(findings)
  return { action, reason, options } as Command
}

/** The action that a body names, valid or not, for the log line of a refused request. */
export function namedAction(body: unknown): string | null {
  const action = isObject(body) ? body['action'] : undefined
  return isAction(action) ? action : null
}

/** The reason that a body gives; null without a valid one. */
export function givenReason(body: unknown): string | null {
  const reason = read(body, 'reason')
  return isReason(reason) ? reason : null
}

function problemOf(options: unknown): string | undefined {
  if (!isObject(options) || Object.keys(options).length === 0) return 'expected an object with at least one option'
  return depthOf(options) > OPTIONS_DEPTH_MAX ? `expected at most ${OPTIONS_DEPTH_MAX} levels of options` : undefined
}

function isAction(value: unknown): value is Action {
  return ACTIONS.includes(value as Action)
}

function isReason(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= REASON_LENGTH_MAX
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** How deep an object is nested; beyond the limit it is not looked at, so that no body exhausts the stack. */
function depthOf(value: unknown, above = 0): number {
  if (typeof value !== 'object' || value === null || above > OPTIONS_DEPTH_MAX) return above
  return Math.max(above + 1, ...Object.values(value).map((item) => depthOf(item, above + 1)))
}
