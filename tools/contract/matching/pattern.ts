import { differences } from './differences.ts'
import { Matcher } from './matcher.ts'
import { show } from './show.ts'

/** Creates a matcher from a predicate. */
export function that(shown: string, holds: (got: unknown) => boolean): Matcher {
  return new Matcher(shown, (got) => (holds(got) ? undefined : `expected ${shown}, got ${show(got)}`))
}

/** Matches any text except the empty one. */
export const text: Matcher = that('a text', (got) => typeof got === 'string' && got !== '')

/** Matches a number between two inclusive bounds. */
export function number(min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): Matcher {
  const bounds = `${min > -Infinity ? ` from ${min}` : ''}${max < Infinity ? ` up to ${max}` : ''}`
  return that(`a number${bounds}`, (got) => typeof got === 'number' && got >= min && got <= max)
}

/** Matches a missing key or header. */
export const absent: Matcher = that('nothing', (got) => got === undefined)

/** Matches any value except undefined. */
export const something: Matcher = that('something', (got) => got !== undefined)

/** Matches an object with at least these keys. */
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

/** Matches an object with exactly these keys in this order. */
export function inOrder(keys: Readonly<Record<string, unknown>>): Matcher {
  const wanted = Object.keys(keys)
  return new Matcher(`{${wanted.join(', ')}} in this order`, (got) => {
    const found = differences(keys, got, '')
    if (found.length > 0) return found.join('; ')
    const order = Object.keys(got as object)
    return order.join() === wanted.join() ? undefined : `expected the keys in the order ${wanted}, got ${order}`
  })
}

/** Matches a list of at least `min` elements that all match `pattern`. */
export function listOf(pattern: unknown, min = 0): Matcher {
  return new Matcher(`a list of at least ${min}`, (got) => {
    if (!Array.isArray(got)) return `expected a list, got ${show(got)}`
    if (got.length < min) return `expected at least ${min} elements, got ${got.length}`
    const found = got.flatMap((element, index) => differences(pattern, element, String(index)))
    return found.length === 0 ? undefined : found.slice(0, 3).join('; ')
  })
}

/** Matches a list in which each pattern matches an element. */
export function containing(...patterns: readonly unknown[]): Matcher {
  return new Matcher(`a list that contains ${patterns.length} element(s)`, (got) => {
    if (!Array.isArray(got)) return `expected a list, got ${show(got)}`
    const missing = patterns.filter((pattern) => !got.some((element) => differences(pattern, element, '').length === 0))
    return missing.length === 0 ? undefined : `lacks ${missing.length} of ${patterns.length} expected elements`
  })
}

/** Matches if one of the patterns matches. */
export function oneOf(...patterns: readonly unknown[]): Matcher {
  const shown = patterns.map((pattern) => (pattern instanceof Matcher ? pattern.shown : String(pattern))).join(' or ')
  return that(shown, (got) => patterns.some((pattern) => differences(pattern, got, '').length === 0))
}

/** Matches if the pattern does not match. */
export function not(pattern: unknown): Matcher {
  const shown = pattern instanceof Matcher ? pattern.shown : String(pattern)
  return that(`not ${shown}`, (got) => differences(pattern, got, '').length > 0)
}
