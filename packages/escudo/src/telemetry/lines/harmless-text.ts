// Letters, digits, blanks and some marks of a sentence. The letters of Latin-1 and Latin Extended-A and -B are included,
// because messages are in many languages.
const PLAIN = /^[\w/.~ '()\u00a1-\u024f-]*$/
/** In such text, credentials without a name are the only secret that can be recognised. */
const CREDENTIALS = /basic|bearer/i
const LENGTH_MAX = 2_048

/**
 * Whether text is written as it is: nothing in it needs an escape, and no pattern of a secret can match. A quick test
 * that most names, paths, codes and messages pass.
 */
export function isHarmless(text: string): boolean {
  // The patterns of secrets need one of `=:,<@%`, two hyphens, or the scheme of credentials before a space.
  return (
    text.length <= LENGTH_MAX &&
    PLAIN.test(text) &&
    !text.includes('--') &&
    (!text.includes(' ') || !CREDENTIALS.test(text))
  )
}
