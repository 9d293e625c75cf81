/** A JSON object. Reads of known names are safe: `JSON.parse` makes `__proto__` an own field like any other. */
export type Json = Readonly<Record<string, unknown>>

/** Reads the fields of one line. */
export class Fields {
  readonly all: Json

  constructor(all: Json) {
    this.all = all
  }

  /** Returns the first of these fields that exists. */
  first(...names: readonly string[]): unknown {
    for (const name of names) if (Object.hasOwn(this.all, name)) return this.all[name]
    return undefined
  }

  /** Returns a field of a nested object. */
  nested(name: string, inner: string): unknown {
    const value = this.first(name)
    return isJson(value) && Object.hasOwn(value, inner) ? value[inner] : undefined
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

/** Whether a value is a JSON object and no array. */
export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the value if it is text that is not empty. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

const SERVICE_CHARACTERS_MAX = 200
const NUL = '\u0000'

/** Returns the name of a service: text that is not empty, shortened if it is long. Names are kept, and sent to each page. */
export function serviceName(value: unknown): string | undefined {
  const name = text(value)
  if (name === undefined || (name.length <= SERVICE_CHARACTERS_MAX && !name.includes(NUL))) return name
  return clipped(name, SERVICE_CHARACTERS_MAX)
}

/** Returns an id: text, or a number as text. A dash or an empty text is none. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  return typeof value === 'string' && value !== '' && value !== '-' ? value : undefined
}

/** Returns the value if it is an integer within the bounds. */
export function integerBetween(value: unknown, min: number, max: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : undefined
}

/** Returns a finite number, also one that is written as text. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'string' || value.length > 32 || !/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value))
    return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

/** Returns an HTTP status: an integer from 100 to 599, also one that is written as text. */
export function statusOf(value: unknown): number | undefined {
  return integerBetween(typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value, 100, 599)
}

/**
 * Shortens a text and copies it: a slice would keep the whole original string in memory.
 *
 * The character that separates names in the keys of counts is replaced.
 */
export function clipped(value: string, charactersMax: number): string {
  const cut = value.length > charactersMax ? `${value.slice(0, charactersMax - 1).toWellFormed()}…` : value
  if (cut.includes(NUL)) return cut.replaceAll(NUL, '\uFFFD').toWellFormed()
  // What is joined and sliced refers to a copy of this text only.
  return ` ${cut}`.slice(1).toWellFormed()
}

const NAMES_MAX = 1_024
const NAME_CHARACTERS_MAX = 64
const names = new Map<string, string>()

/** As {@link clipped}, for a text of which there are few: most calls return a copy that was made before. */
export function clippedName(value: string, charactersMax: number): string {
  if (value.length > NAME_CHARACTERS_MAX || value.length > charactersMax) return clipped(value, charactersMax)
  const known = names.get(value)
  if (known !== undefined) return known
  const copy = clipped(value, charactersMax)
  // The copy is the key too: the text itself may be a part of a long one.
  if (names.size >= NAMES_MAX) names.clear()
  names.set(copy, copy)
  return copy
}

/** As {@link clipped}, for a text that may be missing. */
export function shortened(value: string | undefined, charactersMax: number): string | undefined {
  return value === undefined ? undefined : clipped(value, charactersMax)
}
