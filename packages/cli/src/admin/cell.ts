/**
 * Text of a service as one short piece of a line; empty for a value that is no text, number or boolean.
 *
 * Control characters are removed: an escape sequence in a name could rewrite the terminal of its reader.
 */
export function cell(value: unknown, lengthMax: number): string {
  // An object of a hostile answer may not convert to text: `{ "toString": 1 }`.
  const given = typeof value === 'object' ? '' : String(value ?? '')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
  const text = given.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ')
  if (text.length <= lengthMax) return text
  // Not between the two halves of a character.
  return `${text.slice(0, Math.max(0, lengthMax - 1)).replace(/[\ud800-\udbff]$/, '')}…`
}

/** An answer as JSON. What `JSON.stringify` leaves as it is, and a terminal acts on, is escaped. */
export function json(answer: unknown, indent?: number): string {
  const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(answer, null, indent).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g,
    escaped,
  )
}
