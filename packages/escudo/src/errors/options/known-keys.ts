import { ConfigurationError } from './configuration-error.ts'
import { show } from './show.ts'
import { ignoreRejection, isThenable } from './synchronous.ts'

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
  // A promise has no keys, so it would be taken for options without any.
  if (isThenable(options)) {
    ignoreRejection(options)
    throw new ConfigurationError(path, 'expected an object of options, got a promise; await it first')
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

/** Returns the name that a misspelled one probably means; undefined if none is similar. Upper case does not matter. */
export function nearestName(misspelled: string, names: readonly string[]): string | undefined {
  const wanted = misspelled.toLowerCase()
  let nearest: string | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const name of names) {
    const known = name.toLowerCase()
    const [short, long] = wanted.length < known.length ? [wanted, known] : [known, wanted]
    const edits = lettersApart(short, long)
    // Part of a longer name: `retries` of `maxRetries`.
    const isSimilar = (edits < 3 && edits < short.length) || (short.length > 2 && long.includes(short))
    if (edits < fewest && isSimilar) {
      nearest = name
      fewest = edits
    }
  }
  return nearest
}

/** The length of what differs between the common start and the common end. One edit makes 1, a swap of neighbours 2. */
function lettersApart(short: string, long: string): number {
  let start = 0
  while (start < short.length && short[start] === long[start]) start += 1
  let end = 0
  while (end < short.length - start && short.at(-1 - end) === long.at(-1 - end)) end += 1
  return long.length - start - end
}
