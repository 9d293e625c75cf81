import { isSecretName } from '../../core/secret-names.ts'
import { read } from '../../errors/safe-read.ts'
import { type JsonValue, truncate } from '../../errors/to-json.ts'

const DEPTH_MAX = 4
const ENTRIES_MAX = 20
const TEXT_LENGTH_MAX = 200
/** Of the names and values of one view together. */
const CHARACTERS_MAX = 4_096
/** The size of a value that is no text. */
const VALUE_LENGTH = 8

/**
 * Shows options, or a part of a status, for a log line and an answer: small plain data without secrets.
 *
 * An option that is not set has its default, which is shown as null. A function is shown as text. Never throws.
 */
export function viewOf(value: unknown): JsonValue {
  return new View().of(value, 0)
}

class View {
  #charactersLeft = CHARACTERS_MAX

  of(value: unknown, depth: number): JsonValue {
    if (this.#charactersLeft <= 0) return '[truncated]'
    this.#charactersLeft -= VALUE_LENGTH
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
        return Number.isFinite(value) ? value : String(value)
      case 'boolean':
        return value
      case 'function':
        return '[function]'
      case 'object':
        return value === null ? null : this.#object(value, depth)
      default:
        return value === undefined ? null : this.#text(String(value))
    }
  }

  #text(text: string): string {
    const short = truncate(text, TEXT_LENGTH_MAX)
    this.#charactersLeft -= short.length
    return short
  }

  #object(value: object, depth: number): JsonValue {
    if (depth >= DEPTH_MAX) return '[truncated]'
    try {
      if (Array.isArray(value)) return value.slice(0, ENTRIES_MAX).map((item) => this.of(item, depth + 1))
      // The trip of a circuit breaker is an object with functions. Its reasons say what it does.
      const reasons = read(value, 'reasons')
      if (Array.isArray(reasons) && typeof read(value, 'create') === 'function') {
        return this.#text(reasons.map(String).join(' or '))
      }
      const entries = Object.entries(value).slice(0, ENTRIES_MAX)
      return Object.fromEntries(
        entries.map(([key, item]) => [this.#text(key), isSecretName(key) ? '[redacted]' : this.of(item, depth + 1)]),
      )
    } catch {
      return '[unreadable]'
    }
  }
}
