const CHARACTERS_MAX = 200

/** What differs from one error to the next, and what replaces it. The order matters: a UUID contains numbers. */
const VARIABLES: readonly (readonly [RegExp, string])[] = [
  [/\b[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\b/gi, '{id}'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?/g, '{time}'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b/g, '{address}'],
  [/\b0x[\da-f]+\b/gi, '{id}'],
  [/\b(?=[\da-f]*\d)(?=[\da-f]*[a-f])[\da-f]{8,64}\b/gi, '{id}'],
  [/"[^"]{1,100}"/g, '"{…}"'],
  [/(?<![a-z])'[^']{1,100}'(?![a-z])/gi, "'{…}'"],
  // A status is part of what happened: 404 and 503 are different errors.
  [
    /(?<!\d|\b(?:status|code|https?|answered|returned|responded|failed|falló|respondió)[\s:=]{1,3})\d+(?:[.,]\d+)*/gi,
    '{n}',
  ],
]

/** Returns a message with what differs from one error to the next replaced, so that equal errors have equal templates. */
export function templateOf(message: string): string {
  let template = message.slice(0, CHARACTERS_MAX)
  if (/\d|["']/.test(template)) for (const [pattern, name] of VARIABLES) template = template.replaceAll(pattern, name)
  return template.replaceAll(/\s+/g, ' ').trim()
}
