import { isSecretName } from '../../core/secret-names.ts'

/** Replaces a secret. */
export const REDACTED = '[redacted]'

// `name=value` in a query, a form, a cookie, a command line or a file of settings. Ruby writes `=>`.
const ASSIGNED_NAME = /([^\s=&?#;,"'<>{}():]{1,128})[ \t]{0,2}=>?[ \t]{0,2}/g
// `"name": value`, also with the quotes of JSON inside JSON, and as Node shows maps. A run of backslashes is read once.
const QUOTED_NAME = /(?<!\\)(\\{0,15}["'])([^"'\\\r\n,:{}]{1,128})\1\s*(?:=>|[:,])\s*/g
// A header on a separate line, as in a dump of a request.
const HEADER_NAME = /^[ \t>]*([a-z][\w-]{0,63}):[ \t]*/gim
// A header or setting in the middle of a line. A name such as `token-service` does not end in the word.
const INLINE_NAME =
  /(?<![\w./@-])([\w-]{0,48}(?:authorization|cookies?|api[-_ ]?keys?|passwords?|passwd|secrets?|tokens?|credentials?))["']?\s*:\s*/gi
// An argument of a command.
const OPTION_NAME = /(?<![\w-])--?([a-z][\w-]{0,63})[ \t]+(?!-)/gi
const ELEMENT = /(<([\w:.-]{1,64})(?:\s[^<>]{0,256})?>)([^<]+)(?=<)/g

const SCHEME = '(?:bearer|basic|digest|negotiate|apikey|token)[ \\t]+'
const ASSIGNED_VALUE = new RegExp(`(?:${SCHEME})?[^\\s&#"'<>]*`, 'iy')
const BARE_VALUE = new RegExp(`(?:${SCHEME})?[^\\s,}\\])]+`, 'iy')
const INLINE_VALUE = /[^\r\n,}]+/y
const LINE_VALUE = /[^\r\n]+/y
const WORD = /\S+/y
// Parsers complain about a token: `unexpected token: }`.
const LONG_WORD = /(?=\S*\d)[^\s,]{8,}/y
const OPENING_QUOTE = /[a-z]{0,2}(\\*)(["'`])/iy
// `TokenExpiredError: jwt expired`
const NAME_OF_ERROR = /(?:error|exception|warning)$/i

/** Redacts the values that follow the name of a secret in any text. */
export function redactPairs(text: string): string {
  let redacted = text
  if (text.includes('=')) {
    redacted = redactAfter(redacted, ASSIGNED_NAME, (source, at) => endOf(source, at, ASSIGNED_VALUE) ?? at)
  }
  if (/["']/.test(text)) redacted = redactAfter(redacted, QUOTED_NAME, (source, at) => endOf(source, at, BARE_VALUE))
  if (text.includes('\n'))
    redacted = redactAfter(redacted, HEADER_NAME, (source, at) => matchEnd(source, at, LINE_VALUE))
  if (text.includes(':')) redacted = redactAfter(redacted, INLINE_NAME, endOfInline)
  if (text.includes('-')) redacted = redactAfter(redacted, OPTION_NAME, (source, at) => endOf(source, at, WORD))
  if (!text.includes('</')) return redacted
  return redacted.replace(ELEMENT, (element: string, tag: string, name: string) =>
    isSecretName(name) ? tag + REDACTED : element,
  )
}

/**
 * Redacts the values after the secret names that `pattern` finds. What follows another name is searched too: it can
 * hold a further pair.
 *
 * @param valueEnd where the value ends that begins at an index; undefined for none
 */
function redactAfter(
  text: string,
  pattern: RegExp,
  valueEnd: (text: string, at: number, name: string, nameAt: number) => number | undefined,
): string {
  let redacted = ''
  let doneTo = 0
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const name = match[2] ?? match[1] ?? ''
    if (!isSecretName(decoded(name)) || NAME_OF_ERROR.test(name)) continue
    const at = pattern.lastIndex
    const end = valueEnd(text, at, name, match.index)
    if (end === undefined) continue
    const quote = /^\\*["']/.exec(text.slice(at, at + 16))?.[0] ?? (match[2] === undefined ? '' : (match[1] ?? ''))
    redacted += text.slice(doneTo, at) + quote + REDACTED + quote
    doneTo = end
    pattern.lastIndex = end
  }
  return doneTo === 0 ? text : redacted + text.slice(doneTo)
}

function endOfInline(text: string, at: number, name: string, nameAt: number): number | undefined {
  if (/^tokens?$/i.test(name)) return matchEnd(text, at, LONG_WORD)
  const quote = text[nameAt - 1]
  // A whole header in quotes: -H 'Cookie: a=b'
  if ((quote === '"' || quote === "'") && text[nameAt + name.length] !== quote)
    return endOfQuoted(text, at, quote, 0) - 1
  // These hold commas.
  const isHeader = /(?:authorization|cookies?)$/i.test(name)
  return endOf(text, at, isHeader ? LINE_VALUE : INLINE_VALUE)
}

/** Where a value ends: a quoted one, one in brackets, or else one that `plain` matches. */
function endOf(text: string, at: number, plain: RegExp): number | undefined {
  OPENING_QUOTE.lastIndex = at
  const opening = OPENING_QUOTE.exec(text)
  if (opening !== null) {
    return endOfQuoted(text, OPENING_QUOTE.lastIndex, opening[2] as string, (opening[1] as string).length)
  }
  return text[at] === '{' || text[at] === '[' ? endOfBrackets(text, at) : matchEnd(text, at, plain)
}

/**
 * The index after the closing quote; the end of the text without one.
 *
 * @param backslashCount how many backslashes are before the opening quote: 1 in JSON in JSON, 3 one level deeper
 */
function endOfQuoted(text: string, start: number, quote: string, backslashCount: number): number {
  for (let at = text.indexOf(quote, start); at !== -1; at = text.indexOf(quote, at + 1)) {
    let before = 0
    while (at - before > start && text[at - before - 1] === '\\') before += 1
    // Any other number of backslashes escapes the quote.
    if (before % (2 * (backslashCount + 1)) === backslashCount) return at + 1
  }
  return text.length
}

function endOfBrackets(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const character = text[at]
    if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
    else if (character === '"' || character === "'") {
      let before = 0
      while (at - before > start && text[at - before - 1] === '\\') before += 1
      at = endOfQuoted(text, at + 1, character, before) - 1
    }
    if (depth === 0) return at + 1
  }
  return text.length
}

function matchEnd(text: string, at: number, pattern: RegExp): number | undefined {
  pattern.lastIndex = at
  return pattern.exec(text) === null ? undefined : pattern.lastIndex
}

/** Decodes a name of a query or form. */
export function decoded(name: string): string {
  if (!name.includes('%')) return name
  try {
    return decodeURIComponent(name)
  } catch {
    // Half of it may still spell a secret name.
    return unescape(name)
  }
}
