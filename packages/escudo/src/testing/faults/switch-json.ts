import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { finiteNumber, oneOf } from '../../core/options/options.ts'
import { checkFault, type Fault, type FaultRule } from './plan.ts'

/** The fault that a switch is set to. */
export interface SwitchedFault {
  readonly plan: readonly FaultRule[]
  readonly rate: number
  readonly fault: Fault | undefined
}

const KEYS = {
  latency_ms: 'latencyMs',
  jitter_ms: 'jitterMs',
  status: 'status',
  error: 'error',
  body: 'body',
} as const

type Key = keyof typeof KEYS

/** Parses a fault from JSON with keys in snake_case. */
export function readSwitchedFault(text: string): SwitchedFault | { readonly problem: string } {
  try {
    return readFault(parseJson(text))
  } catch (error) {
    if (error instanceof ConfigurationError) return { problem: error.message }
    throw error
  }
}

/** Turns a fault into JSON with keys in snake_case. An empty object means that no fault is set. */
export function showSwitchedFault(switched: SwitchedFault | undefined): Readonly<Record<string, unknown>> {
  if (switched === undefined) return {}
  const { fault, rate } = switched
  const shown: Record<string, unknown> = {}
  for (const [key, name] of Object.entries(KEYS)) if (fault?.[name] !== undefined) shown[key] = fault[name]
  return { ...shown, rate }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ConfigurationError('request body', 'expected JSON such as {"status":503,"rate":1}')
  }
}

function readFault(value: unknown): SwitchedFault {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigurationError('request body', 'expected a JSON object such as {"status":503,"rate":1}')
  }
  const given = new Map(Object.entries(value))
  const rate = given.has('rate') ? finiteNumber(given.get('rate'), 'rate', 0, 1) : 1
  given.delete('rate')
  const fault: Partial<Record<keyof Fault, unknown>> = {}
  for (const [key, item] of given) {
    if (!Object.hasOwn(KEYS, key)) {
      throw new ConfigurationError(key, `no such key; known here: ${Object.keys(KEYS).join(', ')}, rate`)
    }
    fault[KEYS[key as Key]] = item
  }
  // The other errors are not possible here: the server has already accepted the connection.
  if (given.has('error')) oneOf(given.get('error'), 'error', ['reset'])
  if (given.size === 0 && rate === 0) return { plan: [], rate, fault: undefined }
  const checked = checkFault(fault as Fault, 'request body', (key) => snakeCase(key))
  return { plan: [{ match: { rate }, fault: checked }], rate, fault: checked }
}

function snakeCase(key: keyof Fault): string {
  return Object.entries(KEYS).find(([, name]) => name === key)?.[0] ?? key
}
