import { Matcher } from './matcher.ts'

const LENGTH_MAX = 200

/** A value, or a pattern, as one short line: JSON where it can be, without what would move a terminal's cursor. */
export function show(value: unknown, lengthMax: number = LENGTH_MAX): string {
  return cut(printable(value === undefined ? 'nothing' : inWords(value)), lengthMax)
}

/** Text on one line, with control characters as escapes: what comes over the wire may be hostile. */
export function printable(text: string): string {
  // C0 and C1 controls, line separators, and the marks that turn the direction of writing.
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}

/** Text of at most so many characters. */
export function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`
}

function inWords(value: unknown): string {
  if (value instanceof Matcher) return value.shown
  if (value instanceof RegExp) return String(value)
  try {
    return JSON.stringify(value, (_key, inner: unknown) => {
      if (inner instanceof Matcher) return `<${inner.shown}>`
      return inner instanceof RegExp ? String(inner) : inner
    })
  } catch {
    // Cyclic, or with a BigInt in it: no answer of the wire, but a pattern may be written wrongly.
    return String(value)
  }
}
