/**
 * Text of a service as one short piece of a line.
 *
 * Control characters are removed: an escape sequence in a name could rewrite the terminal of its reader.
 */
export function cell(value: unknown, lengthMax: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
  const text = String(value ?? '').replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ')
  return text.length > lengthMax ? `${text.slice(0, Math.max(0, lengthMax - 1))}…` : text
}
