const CHARACTERS_MAX = 200

/** What differs from one error to the next, what replaces it, and what each has. The order matters: a UUID contains numbers. */
const VARIABLES: readonly (readonly [pattern: RegExp, name: string, has: string])[] = [
  [/\b[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\b/gi, '{id}', '-'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?/g, '{time}', '-'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b/g, '{address}', '.'],
  [/\b0x[\da-f]+\b/gi, '{id}', '0'],
  [/\b(?=[\da-f]*\d)(?=[\da-f]*[a-f])[\da-f]{8,64}\b/gi, '{id}', ''],
  [/"[^"]{1,100}"/g, '"{…}"', '"'],
  [/(?<![a-z])'[^']{1,100}'(?![a-z])/gi, "'{…}'", "'"],
  // A status is part of what happened: 404 and 503 are different errors.
  [
    /(?<!\d|\b(?:status|code|https?|answered|returned|responded|failed|falló|respondió)[\s:=]{1,3})\d+(?:[.,]\d+)*/gi,
    '{n}',
    '',
  ],
]
/** The last messages and their templates are remembered: during an outage most are the same few. */
const REMEMBERED = 64
const messages = new Array<string>(REMEMBERED).fill('')
const templates = new Array<string>(REMEMBERED).fill('')

/** Returns a message with what differs from one error to the next replaced, so that equal errors have equal templates. */
export function templateOf(message: string): string {
  const { length } = message
  const place = (length * 31 + message.charCodeAt(length >> 1) * 7 + message.charCodeAt(length - 1)) & (REMEMBERED - 1)
  if (messages[place] === message) return templates[place] ?? ''
  const template = madeTemplate(message)
  messages[place] = message
  templates[place] = template
  return template
}

function madeTemplate(message: string): string {
  let template = message.slice(0, CHARACTERS_MAX)
  // To look for a character is much faster than to look for a pattern.
  if (/\d|["']/.test(template))
    for (const [pattern, name, has] of VARIABLES)
      if (template.includes(has)) template = template.replaceAll(pattern, name)
  return (/\s\s|[^\S ]/.test(template) ? template.replaceAll(/\s+/g, ' ') : template).trim()
}
