// Text that needs no escape. Printable ASCII without `"` and `\` is most of a log.
const PLAIN = /^[ !#-[\]-~]*$/
// JSON allows these, but terminals act on them (C1 holds a one-character CSI), or readers take them for a line end.
const ALSO_ESCAPED = /[\u007f-\u009f\u2028\u2029]/g

/** Writes text as a JSON string. Newlines and the control characters of terminals are escaped. */
export function jsonText(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(
    ALSO_ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
