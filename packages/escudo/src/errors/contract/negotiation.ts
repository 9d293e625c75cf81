/** The languages in which messages exist. */
export type Locale = 'es' | 'en'

const HEADER_LENGTH_MAX = 1_024
const ITEMS_MAX = 32

/** An item of a header such as `Accept`: what it names, in lower case, and how much it is wanted. */
interface Preference {
  readonly name: string
  readonly quality: number
}

/**
 * The language of a message: what the client wants most among those that there are, region tags counting as their
 * language (`es-MX` as `es`). No header, `*`, and languages that we lack give the service's own; `q=0` is respected.
 * RFC 9110, 12.5.4.
 */
export function negotiateLocale(acceptLanguage: unknown, fallback: Locale): Locale {
  const refused = new Set<string>()
  let best: Locale | undefined
  let bestQuality = 0
  for (const { name, quality } of preferences(acceptLanguage)) {
    const language = name === '*' ? fallback : name.split('-', 1)[0]
    if (language !== 'es' && language !== 'en') continue
    if (quality === 0) {
      if (name === language) refused.add(name)
    } else if (quality > bestQuality && !refused.has(language)) {
      best = language
      bestQuality = quality
    }
  }
  if (best !== undefined && !refused.has(best)) return best
  if (!refused.has(fallback)) return fallback
  const other = fallback === 'es' ? 'en' : 'es'
  return refused.has(other) ? fallback : other
}

/** Whether a client would rather have `application/problem+json` than `application/json`. */
export function prefersProblem(accept: unknown): boolean {
  return prefersType(
    accept,
    ['application/problem+json', 'application/*', '*/*'],
    ['application/json', 'application/*', '*/*'],
  )
}

/**
 * Whether a client would rather have the first type than the second, which is what it gets otherwise: it wants it more,
 * or it names it as much while it covers the other by a wildcard only. RFC 9110, 12.5.1.
 *
 * @param accept the header
 * @param special the type and the wildcards that cover it, from the specific to the general
 * @param usual the same for what everybody else gets
 */
export function prefersType(accept: unknown, special: readonly string[], usual: readonly string[]): boolean {
  const items = preferences(accept)
  const wish = wanted(items, special)
  if (wish.quality === 0 || wish.specificity < special.length - 1) return false
  const other = wanted(items, usual)
  return wish.quality > other.quality || (wish.quality === other.quality && wish.specificity > other.specificity)
}

/** The most specific item that covers a type decides: `names` go from the specific to the general. */
function wanted(items: readonly Preference[], names: readonly string[]): { quality: number; specificity: number } {
  for (const [index, name] of names.entries()) {
    const item = items.find((candidate) => candidate.name === name)
    if (item !== undefined) return { quality: item.quality, specificity: names.length - 1 - index }
  }
  return { quality: 0, specificity: -1 }
}

/** Reads a header of weighted items. Bounded, since clients write it; an item that makes no sense is passed over. */
function preferences(header: unknown): readonly Preference[] {
  if (typeof header !== 'string' || header.length > HEADER_LENGTH_MAX) return []
  const items: Preference[] = []
  for (const part of header.split(',', ITEMS_MAX)) {
    const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    const quality =
      weight === undefined ? 1 : /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight.slice(2)) : 0
    if (name !== '') items.push({ name, quality })
  }
  return items
}
