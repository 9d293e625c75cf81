const PLAIN = /^[\w/.~-]*$/
const LENGTH_MAX = 2_048

/**
 * Whether text is written as it is: nothing in it needs an escape, and no pattern of a secret can match. A quick test
 * that most names, paths and codes pass.
 */
export function isHarmless(text: string): boolean {
  // The patterns of secrets need one of `=:,<@%`, a space, or two hyphens.
  return text.length <= LENGTH_MAX && PLAIN.test(text) && !text.includes('--')
}
