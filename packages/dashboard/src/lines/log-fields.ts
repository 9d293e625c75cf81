/** Reads the fields of one line. */
export class Fields {
  readonly #all: Readonly<Record<string, unknown>>

  constructor(all: Readonly<Record<string, unknown>>) {
    this.#all = all
  }

  /** Returns the first of these fields that exists. */
  first(...names: readonly string[]): unknown {
    for (const name of names) if (Object.hasOwn(this.#all, name)) return this.#all[name]
    return undefined
  }

  /** Returns a field of a nested object. */
  nested(name: string, inner: string): unknown {
    const value = this.first(name)
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, inner)) return undefined
    return (value as Readonly<Record<string, unknown>>)[inner]
  }

  /** Returns the first of these fields that is text, shortened to `charactersMax`. */
  short(charactersMax: number, ...names: readonly string[]): string | undefined {
    for (const name of names) {
      const value = this.first(name)
      if (typeof value === 'string') return clipped(value, charactersMax)
    }
    return undefined
  }
}

/** Returns the value if it is text. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Returns the value if it is an integer within the bounds. */
export function integerBetween(value: unknown, min: number, max: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : undefined
}

/** Returns the value if it is a finite number that is not negative. */
export function nonNegative(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}

/** Shortens a text and copies it: a slice would keep the whole original string in memory. */
export function clipped(value: string, charactersMax: number): string {
  const cut = value.length > charactersMax ? `${value.slice(0, charactersMax - 1).toWellFormed()}…` : value
  return Buffer.from(cut).toString()
}
