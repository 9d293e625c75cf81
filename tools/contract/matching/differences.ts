import { Matcher } from './matcher.ts'
import { show } from './show.ts'

/**
 * Compares a value with a pattern and returns each difference as one line: path, expected value, actual value.
 *
 * A pattern is a value. An object must have exactly the same keys, a list the same length; both match recursively. A
 * regular expression matches text. A {@link Matcher} uses its own rule.
 */
export function differences(pattern: unknown, got: unknown, path: string): string[] {
  const at = path === '' ? '' : `${path}: `
  if (pattern instanceof Matcher) {
    const problem = pattern.problem(got)
    return problem === undefined ? [] : [`${at}${problem}`]
  }
  if (pattern instanceof RegExp) {
    const holds = typeof got === 'string' && pattern.test(got)
    return holds ? [] : [`${at}expected text like ${pattern}, got ${show(got)}`]
  }
  if (Array.isArray(pattern)) return inList(pattern, got, path)
  if (typeof pattern === 'object' && pattern !== null) return inObject(pattern, got, path)
  return Object.is(pattern, got) ? [] : [`${at}expected ${show(pattern)}, got ${show(got)}`]
}

function inList(pattern: readonly unknown[], got: unknown, path: string): string[] {
  const at = path === '' ? '' : `${path}: `
  if (!Array.isArray(got)) return [`${at}expected a list, got ${show(got)}`]
  if (got.length !== pattern.length) return [`${at}expected ${pattern.length} elements, got ${got.length}`]
  return pattern.flatMap((element, index) => differences(element, got[index], under(path, String(index))))
}

function inObject(pattern: object, got: unknown, path: string): string[] {
  const at = path === '' ? '' : `${path}: `
  if (typeof got !== 'object' || got === null || Array.isArray(got)) {
    return [`${at}expected an object, got ${show(got)}`]
  }
  // Only own keys, because a body can have a key `__proto__` or `constructor`.
  const value = (key: string): unknown =>
    Object.hasOwn(got, key) ? (got as Readonly<Record<string, unknown>>)[key] : undefined
  const wanted = Object.entries(pattern).flatMap(([key, one]) => differences(one, value(key), under(path, key)))
  const extra = Object.keys(got)
    .filter((key) => !Object.hasOwn(pattern, key))
    .map((key) => `${under(path, key)}: expected nothing, got ${show(value(key))}`)
  return [...wanted, ...extra]
}

function under(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}
