import { Matcher } from './matcher.ts'

const LENGTH_MAX = 200

/** Formats a value or a pattern as one short line: JSON if possible, with control characters escaped. */
export function show(value: unknown, lengthMax: number = LENGTH_MAX): string {
  return truncated(printable(value === undefined ? 'nothing' : asJson(value)), lengthMax)
}

/** Escapes line feeds and control characters, because text from the network may be hostile. */
export function printable(text: string): string {
  // C0 and C1 controls, line separators, and marks that change the direction of writing.
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}

/** Truncates text to a number of characters. */
export function truncated(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`
}

function asJson(value: unknown): string {
  if (value instanceof Matcher) return value.shown
  if (value instanceof RegExp) return String(value)
  try {
    return JSON.stringify(value, (_key, inner: unknown) => {
      if (inner instanceof Matcher) return `<${inner.shown}>`
      return inner instanceof RegExp ? String(inner) : inner
    })
  } catch {
    // A cycle or a BigInt: impossible in an answer, but possible in a faulty pattern.
    return String(value)
  }
}
