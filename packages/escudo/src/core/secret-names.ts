// A name holds a secret if one of its words, or two adjacent words written as one, is in this list.
const SECRET_WORDS: ReadonlySet<string> = new Set(
  ['authorization', 'cookie', 'password', 'passwd', 'secret', 'token', 'apikey', 'credential'].flatMap((word) =>
    // `max_tokens` counts tokens, see below. The plural of the other words names their values.
    word === 'token' ? [word] : [word, `${word}s`],
  ),
)

/** Words that are written as one, as in lower-case headers and in `PGPASSWORD`. */
const RUN_TOGETHER =
  /(?:token|authorization|(?:secret|password|passwd|apikey|cookie|credential)s?|(?:access|refresh|auth|api|id|bearer|session|csrf|xsrf)tokens)$/

/** `accessTokens` holds tokens. `max_tokens`, `prompt_tokens` and so on hold a number of them. */
const KINDS_OF_TOKEN: ReadonlySet<string> = new Set(
  'access refresh auth api id bearer session csrf xsrf reset user device push'.split(' '),
)

/** A quick test: most text holds none of the words. It matches every name that {@link isSecretName} may accept. */
export const MAY_BE_SECRET: RegExp = /authorization|cookie|pass[^a-z]{0,8}w|secret|token|api[^a-z]{0,8}key|credential/i

const CAMEL_LENGTH_MAX = 256

/**
 * Whether a field, header or parameter of this name holds a secret: `X-Api-Key`, `accessToken`, `DB_PASSWORD`.
 *
 * Whole words decide: `max_tokens` and `tokenizer` hold none.
 */
export function isSecretName(name: string): boolean {
  if (!/^[\0-\x7f]*$/.test(name)) return isSecretName(inAscii(name))
  if (!MAY_BE_SECRET.test(name)) return false
  // Not a name, and splitting it could take long. It is treated as a secret, because it may hold one.
  if (name.length > CAMEL_LENGTH_MAX) return true
  const words = wordsOf(name)
  if (words.length === 1 && words[0] === 'tokens') return true
  return words.some((word, index) => {
    const before = words[index - 1] ?? ''
    return (
      SECRET_WORDS.has(word) ||
      RUN_TOGETHER.test(word) ||
      SECRET_WORDS.has(before + word) ||
      (word === 'tokens' && KINDS_OF_TOKEN.has(before))
    )
  })
}

/** Replaces full-width letters and accents by the letters that they show, and removes characters without width. */
function inAscii(name: string): string {
  return name
    .slice(0, CAMEL_LENGTH_MAX * 2)
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}]/gu, '')
    .replace(/[^\0-\x7f]/g, ' ')
}

function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '')
}
