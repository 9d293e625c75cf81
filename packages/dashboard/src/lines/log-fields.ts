/** The fields of one line. */
export class Fields {
  readonly #all: Readonly<Record<string, unknown>>

  constructor(all: Readonly<Record<string, unknown>>) {
    this.#all = all
  }

  /** The first of these that is there. */
  first(...names: readonly string[]): unknown {
    for (const name of names) if (Object.hasOwn(this.#all, name)) return this.#all[name]
    return undefined
  }

  /** A field of a field. */
  nested(name: string, inner: string): unknown {
    const value = this.first(name)
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, inner)) return undefined
    return (value as Readonly<Record<string, unknown>>)[inner]
  }

  /** The first of these that is text, cut to what a page can show. */
  short(charactersMax: number, ...names: readonly string[]): string | undefined {
    for (const name of names) {
      const value = this.first(name)
      if (typeof value === 'string') return clipped(value, charactersMax)
    }
    return undefined
  }
}

/** The text, if it is text. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The number, if it is a whole one within the bounds. */
export function integerBetween(value: unknown, min: number, max: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : undefined
}

/** The number, if it is one and not negative. */
export function nonNegative(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}

/** A text of bounded length, as a string of its own: a piece of a longer string would keep all of it in memory. */
export function clipped(value: string, charactersMax: number): string {
  const cut = value.length > charactersMax ? `${value.slice(0, charactersMax - 1).toWellFormed()}…` : value
  return Buffer.from(cut).toString()
}
