import { differences } from './differences.ts'
import { Matcher } from './matcher.ts'
import { show } from './show.ts'

/** A matcher that a plain yes or no decides. */
export function that(shown: string, holds: (got: unknown) => boolean): Matcher {
  return new Matcher(shown, (got) => (holds(got) ? undefined : `expected ${shown}, got ${show(got)}`))
}

/** Any text, the empty one excluded. */
export const text: Matcher = that('a text', (got) => typeof got === 'string' && got !== '')

/** A number between two bounds, both included. */
export function number(min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): Matcher {
  const bounds = `${min > -Infinity ? ` from ${min}` : ''}${max < Infinity ? ` up to ${max}` : ''}`
  return that(`a number${bounds}`, (got) => typeof got === 'number' && got >= min && got <= max)
}

/** No such key, or no such header. */
export const absent: Matcher = that('nothing', (got) => got === undefined)

/** Whatever there is, as long as there is something. */
export const something: Matcher = that('something', (got) => got !== undefined)

/** An object that holds at least these keys. */
export function including(keys: Readonly<Record<string, unknown>>): Matcher {
  const shown = `{${Object.keys(keys).join(', ')}, …}`
  return new Matcher(shown, (got) => {
    if (typeof got !== 'object' || got === null || Array.isArray(got)) return `expected an object, got ${show(got)}`
    const found = Object.entries(keys).flatMap(([key, pattern]) =>
      differences(pattern, Object.hasOwn(got, key) ? (got as Record<string, unknown>)[key] : undefined, key),
    )
    return found.length === 0 ? undefined : found.join('; ')
  })
}

/** An object with exactly these keys, also in this order. */
export function inOrder(keys: Readonly<Record<string, unknown>>): Matcher {
  const wanted = Object.keys(keys)
  return new Matcher(`{${wanted.join(', ')}} in this order`, (got) => {
    const found = differences(keys, got, '')
    if (found.length > 0) return found.join('; ')
    const order = Object.keys(got as object)
    return order.join() === wanted.join() ? undefined : `expected the keys in the order ${wanted}, got ${order}`
  })
}

/** A list of at least `min` elements, all like `pattern`. */
export function listOf(pattern: unknown, min = 0): Matcher {
  return new Matcher(`a list of at least ${min}`, (got) => {
    if (!Array.isArray(got)) return `expected a list, got ${show(got)}`
    if (got.length < min) return `expected at least ${min} elements, got ${got.length}`
    const found = got.flatMap((element, index) => differences(pattern, element, String(index)))
    return found.length === 0 ? undefined : found.slice(0, 3).join('; ')
  })
}

/** A list in which each of the patterns is matched by some element. */
export function holding(...patterns: readonly unknown[]): Matcher {
  return new Matcher(`a list that holds ${patterns.length} element(s)`, (got) => {
    if (!Array.isArray(got)) return `expected a list, got ${show(got)}`
    const missing = patterns.filter((pattern) => !got.some((element) => differences(pattern, element, '').length === 0))
    return missing.length === 0 ? undefined : `lacks ${missing.length} of ${patterns.length} expected elements`
  })
}

/** One of several patterns. */
export function oneOf(...patterns: readonly unknown[]): Matcher {
  const shown = patterns.map((pattern) => (pattern instanceof Matcher ? pattern.shown : String(pattern))).join(' or ')
  return that(shown, (got) => patterns.some((pattern) => differences(pattern, got, '').length === 0))
}

/** Anything but this. */
export function not(pattern: unknown): Matcher {
  const shown = pattern instanceof Matcher ? pattern.shown : String(pattern)
  return that(`not ${shown}`, (got) => differences(pattern, got, '').length > 0)
}
