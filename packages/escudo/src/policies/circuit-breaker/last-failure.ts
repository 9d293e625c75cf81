import type { LastFailure } from '../../core/events/events.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { read } from '../../errors/safe-read.ts'

// Bounds what a breaker keeps: user code may put any text into a name.
const LENGTH_MAX = 100

/**
 * Extracts what a breaker keeps of a failure.
 *
 * @param failure the error, or the value that a classifier counted as a failure
 */
export function lastFailureOf(failure: unknown, at: number): LastFailure {
  const name = text(read(failure, 'name')) ?? text(read(read(failure, 'constructor'), 'name')) ?? typeof failure
  return { name, code: codeOf(failure) ?? text(read(failure, 'status')), at }
}

// A failed `fetch` has the code in its cause. A connection to several addresses fails with an AggregateError.
const DEPTH_MAX = 4

function codeOf(error: unknown, depth = 0): string | undefined {
  if (depth === DEPTH_MAX || error === undefined) return undefined
  const code = factsOf(error)?.code ?? text(read(error, 'code'))
  if (code !== undefined) return code
  const errors = read(error, 'errors')
  return codeOf(read(error, 'cause'), depth + 1) ?? (Array.isArray(errors) ? codeOf(errors[0], depth + 1) : undefined)
}

function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value.slice(0, LENGTH_MAX) : undefined
}
