/** Plain data that `JSON.stringify` accepts. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

// The bounds of `toJson`. A value beyond them is truncated and marked; it is never an error.
const DEPTH_MAX = 8
const ENTRIES_MAX = 1_000
const TEXT_LENGTH_MAX = 8_192
const CHARACTERS_MAX = 65_536

/**
 * Turns any value into plain data of bounded size. Never throws.
 *
 * Handles circular references, getters and proxies that throw, bigints, maps, dates and very long text. An error's
 * context is often built from user input, so it can hold any of these.
 */
export function toJson(value: unknown): JsonValue {
  return new JsonBuilder().build(value, 0) ?? null
}

/** Truncates text to `lengthMax` characters and appends `…`. Never splits a surrogate pair. */
export function truncate(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text
  const last = text.charCodeAt(lengthMax - 1)
  const end = last >= 0xd800 && last <= 0xdbff ? lengthMax - 1 : lengthMax
  return `${text.slice(0, end)}…`
}

class JsonBuilder {
  #characters = 0
  /** The objects around the current value. Few, so a list is faster than a set. */
  #path: object[] | undefined

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
    const lengthMax = Math.min(TEXT_LENGTH_MAX, Math.max(0, CHARACTERS_MAX - this.#characters))
    const short = lengthMax === 0 ? '…' : truncate(text, lengthMax)
    this.#characters += short.length
    return short
  }

  #object(value: object, depth: number): JsonValue | undefined {
    this.#path ??= []
    if (this.#path.includes(value)) return '[circular]'
    if (depth >= DEPTH_MAX || this.#characters >= CHARACTERS_MAX) return '[truncated]'
    this.#path.push(value)
    try {
      return this.#contents(value, depth)
    } catch {
      return '[unreadable]'
    } finally {
      this.#path.pop()
    }
  }

  #contents(value: object, depth: number): JsonValue | undefined {
    const toJSON = (value as { toJSON?: unknown }).toJSON
    // As in JSON.stringify: dates, URLs and decimals. The result is converted in turn.
    if (typeof toJSON === 'function') return this.build(toJSON.call(value), depth + 1)
    if (Array.isArray(value) || value instanceof Set) return this.#list(value, depth)
    const result: Record<string, JsonValue> = {}
    let count = 0
    if (value instanceof Map) {
      for (const [key, item] of value) {
        if (this.#isBeyond(++count)) break
        this.#add(result, String(key), item, depth)
      }
      return result
    }
    // Most contexts are plain objects: no iterator and no pair for each field.
    for (const key of Object.keys(value)) {
      if (this.#isBeyond(++count)) break
      this.#add(result, key, readOrMark(value, key), depth)
    }
    return result
  }

  #isBeyond(count: number): boolean {
    return count > ENTRIES_MAX || this.#characters >= CHARACTERS_MAX
  }

  #add(target: Record<string, JsonValue>, key: string, item: unknown, depth: number): void {
    const plain = this.build(item, depth + 1)
    this.#characters += key.length
    if (plain !== undefined) setKey(target, truncate(key, 256), plain)
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

/** Sets an own property. An object without a prototype would allow every key too, but is several times slower. */
function setKey(target: Record<string, JsonValue>, key: string, value: JsonValue): void {
  if (key !== '__proto__') target[key] = value
  else Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
}

function readOrMark(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key]
  } catch {
    return '[unreadable]'
  }
}
