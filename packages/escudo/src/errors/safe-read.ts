/** Reads a property of any value. Returns undefined if the value has none or reading it throws. */
export function read(value: unknown, key: PropertyKey): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  try {
    return (value as Record<PropertyKey, unknown>)[key]
  } catch {
    return undefined
  }
}

/** Reads the first items of a list that is a property of a value. Empty if there is no list or reading it throws. */
export function readItems(value: unknown, key: PropertyKey, max: number): readonly unknown[] {
  try {
    const list = read(value, key)
    return Array.isArray(list) ? list.slice(0, max) : []
  } catch {
    return []
  }
}

/** Whether a value is an Error, also of another realm. Returns false for a proxy whose traps throw. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
  } catch {
    return false
  }
}

/** `value instanceof of`. Returns false for a proxy whose traps throw: anything can be thrown. */
export function isInstance<T>(value: unknown, of: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof of
  } catch {
    return false
  }
}
