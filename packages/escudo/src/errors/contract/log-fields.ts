import { RemoteError, remoteError } from '../body/remote-error.ts'
import { remembering } from '../remembering.ts'
import { isError, read, readItems } from '../safe-read.ts'
import { hasNoFrames } from '../stackless.ts'
import { type JsonValue, toJson, truncate } from '../to-json.ts'

const CAUSES_MAX = 5
const STACK_LENGTH_MAX = 8_192
const TEXT_LENGTH_MAX = 2_048

/** Fields of a log line. */
export type LogFields = Readonly<Record<string, JsonValue | undefined>>

/** The log fields of a technical error: type, message, stack and causes. Bounded; never throws. */
export function technicalFields(error: unknown): LogFields {
  const fields: Record<string, JsonValue | undefined> = {}
  addTechnicalFields(fields, error)
  return fields
}

/** Adds {@link technicalFields} to the fields of a line. */
export function addTechnicalFields(fields: Record<string, JsonValue | undefined>, error: unknown): void {
  const texts = hasNoFrames(error) ? textsOf(error) : undefined
  fields['error_type'] = texts?.name ?? typeOf(error)
  fields['error_message'] = texts?.message ?? messageOf(error)
  fields['error_stack'] = texts?.stack ?? stackOf(error)
  if (isAlone(error)) return
  const causes = causesOf(error)
  if (causes.length > 0) fields['error_causes'] = causes
}

const TEXT_OF_REFUSAL_LENGTH_MAX = 128

/**
 * The texts of errors without frames, by name and message. While a circuit is open, all refusals have the same ones. What
 * writes them keeps its results by text, and finds the same string in less time than an equal one.
 */
const knownTexts = remembering({ entriesMax: 20, lengthMax: TEXT_OF_REFUSAL_LENGTH_MAX }, (name) =>
  remembering({ entriesMax: 200, lengthMax: TEXT_OF_REFUSAL_LENGTH_MAX }, (message) => ({
    name,
    message,
    // As ECMA-262 makes text of an error.
    stack: `${name}: ${message}`,
  })),
)

/** The texts of a refusal. Undefined if a part is missing, or is so long that its line shortens it. */
function textsOf(
  error: unknown,
): { readonly name: string; readonly message: string; readonly stack: string } | undefined {
  try {
    const { name, message } = error as { readonly name?: unknown; readonly message?: unknown }
    if (typeof name !== 'string' || name === '' || name.length > TEXT_OF_REFUSAL_LENGTH_MAX) return undefined
    if (typeof message !== 'string' || message === '' || message.length > TEXT_LENGTH_MAX) return undefined
    return knownTexts(name)(message)
  } catch {
    return undefined
  }
}

/** Whether an error has no causes. A quick test, because refusals have none. */
function isAlone(error: unknown): boolean {
  try {
    const { cause, body, errors } = error as { readonly cause?: unknown; readonly body?: unknown; errors?: unknown }
    return cause === undefined && body === undefined && errors === undefined
  } catch {
    return false
  }
}

/**
 * The chain of causes, including the errors of an AggregateError. Bounded; each error appears once.
 *
 * @param withStacks whether each cause has its stack
 */
export function causesOf(error: unknown, withStacks = true): JsonValue[] {
  const found: JsonValue[] = []
  const queue = directCauses(error)
  // Most errors have none.
  if (queue.length === 0) return found
  const seen = new Set<unknown>([error])
  for (let cause = queue.shift(); cause !== undefined && found.length < CAUSES_MAX; cause = queue.shift()) {
    if (seen.has(cause)) continue
    seen.add(cause)
    found.push(summary(cause, withStacks))
    queue.push(...directCauses(cause))
  }
  return found
}

function directCauses(error: unknown): unknown[] {
  const aggregated = readItems(error, 'errors', CAUSES_MAX)
  // The body of a failed call to another escudo service holds that service's error.
  return [read(error, 'cause'), remoteError(read(error, 'body')), ...aggregated].filter(
    (cause) => cause !== undefined && cause !== null,
  )
}

function summary(cause: unknown, withStack: boolean): JsonValue {
  const stack = withStack ? stackOf(cause) : undefined
  const code = read(cause, 'code')
  return {
    type: typeOf(cause),
    message: messageOf(cause),
    ...(typeof code === 'string' ? { code: truncate(code, 128) } : {}),
    ...(isError(cause) && cause instanceof RemoteError
      ? { service: cause.service, status: cause.status, trace_id: cause.traceId }
      : {}),
    ...(stack === undefined ? {} : { stack }),
  }
}

/** The name of an error's class, or the type of another thrown value. */
export function typeOf(error: unknown): string {
  if (error === null) return 'null'
  if (typeof error !== 'object') return typeof error
  const name = read(error, 'name')
  if (typeof name === 'string' && name !== '') return truncate(name, 128)
  const constructorName = read(read(error, 'constructor'), 'name')
  return typeof constructorName === 'string' && constructorName !== '' ? truncate(constructorName, 128) : 'object'
}

/** The message of an error, or a short text of another thrown value. */
export function messageOf(error: unknown): string {
  const message = read(error, 'message')
  if (typeof message === 'string') return truncate(message, TEXT_LENGTH_MAX)
  const plain = error === undefined ? 'undefined' : toJson(error)
  return truncate(typeof plain === 'string' ? plain : JSON.stringify(plain), TEXT_LENGTH_MAX)
}

function stackOf(error: unknown): string | undefined {
  const stack = (hasNoFrames(error) ? textsOf(error)?.stack : undefined) ?? read(error, 'stack')
  return typeof stack === 'string' && stack !== '' ? truncate(stack, STACK_LENGTH_MAX) : undefined
}
