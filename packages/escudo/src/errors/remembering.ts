/** The bounds of a memory. */
export interface MemoryBounds {
  /** How many results are kept. One more empties the memory. */
  readonly entriesMax: number
  /** The result of a longer text is not kept. */
  readonly lengthMax: number
}

/**
 * Remembers what a function returns for a text, because most texts are repeated.
 *
 * Bounded, because clients and programs can make any number of texts.
 *
 * @param compute has no effects
 */
export function remembering<Result extends {}>(
  { entriesMax, lengthMax }: MemoryBounds,
  compute: (text: string) => Result,
): (text: string) => Result {
  const results = new Map<string, Result>()
  return (text) => {
    if (text.length > lengthMax) return compute(text)
    const known = results.get(text)
    if (known !== undefined) return known
    const result = compute(text)
    if (results.size >= entriesMax) results.clear()
    results.set(text, result)
    return result
  }
}
