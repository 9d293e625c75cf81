/** Values as they leave the process: what `JSON.stringify` takes without surprises. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** Bounds of {@link toJson}. Beyond them a value is cut, and says so; it never fails. */
const DEPTH_MAX = 8
const ENTRIES_MAX = 1_000
const TEXT_LENGTH_MAX = 8_192
const CHARACTERS_MAX = 65_536

/**
 * Turns anything into plain data, without ever throwing and within bounds: circles, getters and proxies that throw,
 * bigints, maps, dates, a megabyte of text. What the context of an error holds was often built from input.
 */
export function toJson(value: unknown): JsonValue {
  return new JsonBuilder().build(value, 0) ?? null
}

/** Text of at most `lengthMax` characters, never cut within a surrogate pair. */
export function truncate(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text
  const last = text.charCodeAt(lengthMax - 1)
  const end = last >= 0xd800 && last <= 0xdbff ? lengthMax - 1 : lengthMax
  return `${text.slice(0, end)}…`
}

/** A property of anything, or undefined: also when reading it throws. */
export function read(value: unknown, key: PropertyKey): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  try {
    return (value as Record<PropertyKey, unknown>)[key]
  } catch {
    return undefined
  }
}

/** Whether a value is an Error; false for what cannot even be asked. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error
  } catch {
    return false
  }
}

class JsonBuilder {
  #characters = 0
  readonly #path = new Set<object>()

  build(value: unknown, depth: number): JsonValue | undefined {
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
        this.#characters += 8
        return Number.isFinite(value) ? value : null
      case 'boolean':
        return value
      case 'bigint':
        return this.#text(String(value))
      case 'object':
        return value === null ? null : this.#object(value, depth)
      default:
        return undefined
    }
  }

  #text(text: string): string {
    const room = Math.min(TEXT_LENGTH_MAX, Math.max(0, CHARACTERS_MAX - this.#characters))
    const short = room === 0 ? '…' : truncate(text, room)
    this.#characters += short.length
    return short
  }

  #object(value: object, depth: number): JsonValue | undefined {
    if (this.#path.has(value)) return '[circular]'
    if (depth >= DEPTH_MAX || this.#characters >= CHARACTERS_MAX) return '[cut]'
    this.#path.add(value)
    try {
      return this.#contents(value, depth)
    } catch {
      return '[unreadable]'
    } finally {
      this.#path.delete(value)
    }
  }

  #contents(value: object, depth: number): JsonValue | undefined {
    const toJSON = (value as { toJSON?: unknown }).toJSON
    // As JSON.stringify does it: dates, URLs, decimals. What comes back is looked at in turn.
    if (typeof toJSON === 'function') return this.build(toJSON.call(value), depth + 1)
    if (Array.isArray(value) || value instanceof Set) return this.#list(value, depth)
    const entries = value instanceof Map ? value.entries() : Object.keys(value).values()
    // Without a prototype, so that the key `__proto__` is a key like any other.
    const result: Record<string, JsonValue> = Object.create(null)
    let count = 0
    for (const entry of entries) {
      if (++count > ENTRIES_MAX || this.#characters >= CHARACTERS_MAX) break
      const [key, item] =
        typeof entry === 'string' ? [entry, readOr(value, entry)] : [String(entry[0]), entry[1] as unknown]
      const plain = this.build(item, depth + 1)
      this.#characters += key.length
      if (plain !== undefined) result[truncate(key, 256)] = plain
    }
    return result
  }

  #list(values: Iterable<unknown>, depth: number): JsonValue {
    const result: JsonValue[] = []
    for (const item of values) {
      if (result.length >= ENTRIES_MAX || this.#characters >= CHARACTERS_MAX) break
      result.push(this.build(item, depth + 1) ?? null)
    }
    return result
  }
}

function readOr(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key]
  } catch {
    return '[unreadable]'
  }
}
