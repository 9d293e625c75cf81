import type { LastFailure } from '../../core/events/events.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { isError, read, readItems } from '../../errors/safe-read.ts'

// Bounds what a breaker keeps: user code may put any text into a name.
const LENGTH_MAX = 100

/** Extracts what a breaker keeps of an error. */
export function lastFailureOf(error: unknown, at: number): LastFailure {
  return (
    plainFailureOf(error, at) ?? {
      name: text(read(error, 'name')) ?? classOf(error),
      code: codeOf(error) ?? statusOf(error),
      at,
    }
  )
}

/**
 * The same for most errors: with a short name, and a short code or nothing in its place. Undefined for any other value.
 *
 * Every failure comes here, and reading each key in its own place is several times as fast as a helper for all keys.
 */
function plainFailureOf(error: unknown, at: number): LastFailure | undefined {
  try {
    const given = error as Partial<Record<'name' | 'code' | 'cause' | 'errors' | 'status', unknown>>
    const { name } = given
    if (typeof name !== 'string' || name === '' || name.length > LENGTH_MAX) return undefined
    const code = factsOf(error)?.code ?? given.code
    if (typeof code === 'string') return code !== '' && code.length <= LENGTH_MAX ? { name, code, at } : undefined
    const { cause, errors, status } = given
    return (code ?? cause ?? errors ?? status) === undefined ? { name, code: undefined, at } : undefined
  } catch {
    return undefined
  }
}

/**
 * Extracts what a breaker keeps of a value that a classifier counted as a failure. Its other fields are data of one
 * caller, which no other caller may see.
 */
export function lastFailureOfValue(value: unknown, at: number): LastFailure {
  return isError(value) ? lastFailureOf(value, at) : { name: classOf(value), code: statusOf(value), at }
}

function classOf(value: unknown): string {
  return text(read(read(value, 'constructor'), 'name')) ?? typeof value
}

function statusOf(value: unknown): string | undefined {
  const status = read(value, 'status')
  return typeof status === 'number' ? text(status) : undefined
}

// A failed `fetch` has the code in its cause. A connection to several addresses fails with an AggregateError.
const DEPTH_MAX = 4

function codeOf(error: unknown, depth = 0): string | undefined {
  if (depth === DEPTH_MAX || error === undefined) return undefined
  const code = text(factsOf(error)?.code) ?? text(read(error, 'code'))
  if (code !== undefined) return code
  return codeOf(read(error, 'cause'), depth + 1) ?? codeOf(readItems(error, 'errors', 1)[0], depth + 1)
}

function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value.slice(0, LENGTH_MAX) : undefined
}
