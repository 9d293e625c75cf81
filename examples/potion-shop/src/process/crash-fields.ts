import { inspect } from 'node:util'

const CAUSES_MAX = 5
const TEXT_LENGTH_MAX = 2_048
const STACK_LENGTH_MAX = 8_192

/** Log fields that describe any thrown value. Never throws; the result is bounded in size. */
export function crashFields(error: unknown): Readonly<Record<string, unknown>> {
  const causes: object[] = []
  const seen = new Set([error])
  for (let cause = read(error, 'cause'); cause !== undefined && !seen.has(cause); cause = read(cause, 'cause')) {
    if (causes.length === CAUSES_MAX) break
    seen.add(cause)
    causes.push({ type: typeOf(cause), message: messageOf(cause), stack: stackOf(cause) })
  }
  return {
    error_type: typeOf(error),
    error_message: messageOf(error),
    error_stack: stackOf(error),
    ...(causes.length > 0 ? { error_causes: causes } : {}),
  }
}

function typeOf(error: unknown): string {
  if (error === null) return 'null'
  if (typeof error !== 'object' && typeof error !== 'function') return typeof error
  const name = read(error, 'name') ?? read(read(error, 'constructor'), 'name')
  return typeof name === 'string' && name !== '' ? name.slice(0, 128) : 'object'
}

function messageOf(error: unknown): string {
  const message = read(error, 'message')
  return (typeof message === 'string' ? message : textOf(error)).slice(0, TEXT_LENGTH_MAX)
}

function stackOf(error: unknown): string | undefined {
  const stack = read(error, 'stack')
  return typeof stack === 'string' && stack !== '' ? stack.slice(0, STACK_LENGTH_MAX) : undefined
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return inspect(value, { depth: 1, customInspect: false, maxArrayLength: 10, maxStringLength: 200 })
  } catch {
    return 'a value that cannot be printed'
  }
}

/** Reads a property of any value; undefined when its getter throws. */
function read(value: unknown, key: string): unknown {
  try {
    return (value as Readonly<Record<string, unknown>> | null | undefined)?.[key]
  } catch {
    return undefined
  }
}
