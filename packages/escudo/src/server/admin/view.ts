import { isSecretName } from '../../core/secret-names.ts'
import { read } from '../../errors/safe-read.ts'
import { type JsonValue, truncate } from '../../errors/to-json.ts'

const DEPTH_MAX = 4
const ENTRIES_MAX = 20
const TEXT_LENGTH_MAX = 200

/**
 * Shows options, or a part of a status, for a log line and an answer: small plain data without secrets.
 *
 * An option that is not set has its default, which is shown as null. A function is shown as text.
 */
export function viewOf(value: unknown, depth = 0): JsonValue {
  switch (typeof value) {
    case 'string':
      return truncate(value, TEXT_LENGTH_MAX)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'function':
      return '[function]'
    case 'object':
      return value === null ? null : viewOfObject(value, depth)
    default:
      return value === undefined ? null : truncate(String(value), TEXT_LENGTH_MAX)
  }
}

function viewOfObject(value: object, depth: number): JsonValue {
  if (depth >= DEPTH_MAX) return '[truncated]'
  try {
    if (Array.isArray(value)) return value.slice(0, ENTRIES_MAX).map((item) => viewOf(item, depth + 1))
    // The trip of a circuit breaker is an object with functions. Its reasons say what it does.
    const reasons = read(value, 'reasons')
    if (Array.isArray(reasons) && typeof read(value, 'create') === 'function') {
      return truncate(reasons.map(String).join(' or '), TEXT_LENGTH_MAX)
    }
    const entries = Object.entries(value).slice(0, ENTRIES_MAX)
    return Object.fromEntries(
      entries.map(([key, item]) => [
        truncate(key, TEXT_LENGTH_MAX),
        isSecretName(key) ? '[redacted]' : viewOf(item, depth + 1),
      ]),
    )
  } catch {
    return '[unreadable]'
  }
}
