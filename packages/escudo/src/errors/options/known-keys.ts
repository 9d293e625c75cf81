import { ConfigurationError } from './configuration-error.ts'
import { show } from './show.ts'

/**
 * Checks that options are an object with known keys only, so that a misspelled option is an error.
 *
 * @throws ConfigurationError for another value, an unknown key, and a key whose value is null: null would otherwise be
 * taken for the default
 */
export function knownKeys(options: unknown, path: string, keys: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError(path, `expected an object of options, got ${show(options)}`)
  }
  for (const key of Object.keys(options)) {
    if (!keys.includes(key)) throw unknownOption(path, key, keys)
    if ((options as Readonly<Record<string, unknown>>)[key] === null) {
      throw new ConfigurationError(`${path}.${key}`, 'expected a value or undefined, got null')
    }
  }
}

/** Makes the error for an unknown option: it lists the known ones, and suggests the nearest name. */
export function unknownOption(path: string, key: string, keys: readonly string[]): ConfigurationError {
  const near = nearestName(key, keys)
  const suggestion = near === undefined ? '' : `; did you mean '${near}'?`
  return new ConfigurationError(`${path}.${key}`, `no such option; known here: ${keys.join(', ')}${suggestion}`)
}

// A longer name is no misspelling, and the comparison takes quadratic time.
const NAME_LENGTH_MAX = 40

/** Returns the name that a misspelled one probably means; undefined if none is similar. Upper case does not matter. */
export function nearestName(misspelled: string, names: readonly string[]): string | undefined {
  if (misspelled.length > NAME_LENGTH_MAX) return undefined
  const wanted = misspelled.toLowerCase()
  let nearest: string | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const name of names) {
    const known = name.toLowerCase()
    const edits = editsBetween(wanted, known)
    const similar = edits <= Math.max(1, Math.floor(Math.min(wanted.length, known.length) / 3))
    if (edits < fewest && (similar || isPart(wanted, known) || isPart(known, wanted))) {
      nearest = name
      fewest = edits
    }
  }
  return nearest
}

/** Whether a name is a part of a longer one, as `retries` of `maxRetries`. A part of one or two letters says nothing. */
function isPart(part: string, whole: string): boolean {
  return part.length > 2 && whole.includes(part)
}

/** The Levenshtein distance of two names, with a swap of two neighbours as one edit. */
function editsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    const at = (up: number, j: number): number => (rows[i - up] as number[])[j] as number
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = at(1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let edits = Math.min(at(1, j) + 1, (row[j - 1] as number) + 1, replaced)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, at(2, j - 2) + 1)
      row.push(edits)
    }
    rows.push(row)
  }
  return (rows[a.length] as number[])[b.length] as number
}
