import { type MemoryBounds, remembering } from '../remembering.ts'

const HEADER_LENGTH_MAX = 1_024
const ITEMS_MAX = 32

/** A service has few kinds of clients, which repeat their headers. */
const MEMORY: MemoryBounds = { entriesMax: 100, lengthMax: HEADER_LENGTH_MAX }

/** An item of a header such as `Accept`: its name in lower case and its quality value. */
interface Preference {
  readonly name: string
  readonly quality: number
}

/**
 * Returns a function that chooses the language of a message from `Accept-Language`. RFC 9110, 12.5.4; RFC 4647, 3.4.
 *
 * The available language that the client prefers most wins. `es-MX` finds `es`, and `pt` finds `pt-BR`. Without a header,
 * with `*`, or if no requested language is available, the result is `fallback`. `q=0` excludes a language.
 *
 * @param available the languages in which messages exist
 */
export function localeChooser(fallback: string, available: readonly string[]): (acceptLanguage: unknown) => string {
  const known = new Map(available.map((tag) => [tag.toLowerCase(), tag]))
  const choose = remembering(MEMORY, (header) => chooseLocale(header, fallback, known))
  return (acceptLanguage) => (typeof acceptLanguage === 'string' ? choose(acceptLanguage) : fallback)
}

/** @param known the available languages by their tags in lower case */
function chooseLocale(acceptLanguage: string, fallback: string, known: ReadonlyMap<string, string>): string {
  const wanted = preferences(acceptLanguage)
  const excluded = wanted.filter(({ name, quality }) => quality === 0 && name !== '*').map(({ name }) => name)
  const isExcluded = (tag: string): boolean => excluded.some((name) => covers(name, tag.toLowerCase()))
  let best: string | undefined
  let bestQuality = 0
  for (const { name, quality } of wanted) {
    const tag = name === '*' ? fallback : lookUp(name, known)
    if (tag === undefined || quality <= bestQuality || isExcluded(tag)) continue
    best = tag
    bestQuality = quality
  }
  if (best !== undefined) return best
  if (!isExcluded(fallback)) return fallback
  return [...known.values()].find((tag) => !isExcluded(tag)) ?? fallback
}

/** Finds a language: the tag itself, without its last parts, or with further ones. */
function lookUp(name: string, known: ReadonlyMap<string, string>): string | undefined {
  let range = name
  while (range !== '') {
    const tag = known.get(range)
    if (tag !== undefined) return tag
    range = range.slice(0, Math.max(0, range.lastIndexOf('-')))
  }
  for (const [tag, given] of known) if (covers(name, tag)) return given
  return undefined
}

/** Whether a tag is a language range or a part of it: `pt` covers `pt-br`. */
function covers(range: string, tag: string): boolean {
  return tag === range || tag.startsWith(`${range}-`)
}

/** Whether the client prefers `application/problem+json` to `application/json`. */
export function prefersProblem(accept: unknown): boolean {
  return typeof accept === 'string' && isProblemPreferred(accept)
}

const PROBLEM = ['application/problem+json', 'application/*', '*/*']
const JSON_TYPE = ['application/json', 'application/*', '*/*']
const isProblemPreferred = remembering(MEMORY, (accept) => prefersType(accept, PROBLEM, JSON_TYPE))

/**
 * Whether the client prefers the special media type to the usual one. RFC 9110, 12.5.1.
 *
 * The header must name the special type without a wildcard. The special type then wins with a higher quality value, or
 * with an equal one if only a wildcard covers the usual type.
 *
 * @param accept the header
 * @param special the special type and the wildcards that cover it, most specific first
 * @param usual the usual type, which is the default, and the wildcards that cover it, most specific first
 */
export function prefersType(accept: unknown, special: readonly string[], usual: readonly string[]): boolean {
  const items = preferences(accept)
  const specialMatch = bestMatch(items, special)
  if (specialMatch.quality === 0 || specialMatch.specificity < special.length - 1) return false
  const usualMatch = bestMatch(items, usual)
  if (specialMatch.quality !== usualMatch.quality) return specialMatch.quality > usualMatch.quality
  return specialMatch.specificity > usualMatch.specificity
}

/** Finds the most specific item that covers a type. `names` are ordered most specific first. */
function bestMatch(items: readonly Preference[], names: readonly string[]): { quality: number; specificity: number } {
  for (const [index, name] of names.entries()) {
    const item = items.find((candidate) => candidate.name === name)
    if (item !== undefined) return { quality: item.quality, specificity: names.length - 1 - index }
  }
  return { quality: 0, specificity: -1 }
}

/**
 * Parses a header of weighted items. Bounded, because clients control it.
 *
 * Weights such as `.9`, `1.` and `1.0000` are read, although RFC 9110 does not allow them: only 0 means a refusal, and a
 * client that writes them wants the item. Any other invalid weight is 0.
 */
function preferences(header: unknown): readonly Preference[] {
  if (typeof header !== 'string' || header.length > HEADER_LENGTH_MAX) return []
  const items: Preference[] = []
  for (const part of header.split(',', ITEMS_MAX)) {
    const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
    const weights = parameters.map((parameter) => /^q\s*=(.*)$/.exec(parameter)?.[1]?.trim())
    const weight = weights.find((text) => text !== undefined)
    if (name !== '') items.push({ name, quality: weight === undefined ? 1 : qualityOf(weight) })
  }
  return items
}

function qualityOf(weight: string): number {
  return /^(?:0*\.\d{1,16}|0+\.?|0*1(?:\.0{0,16})?)$/.test(weight) ? Number(weight) : 0
}
