import { knownKeys } from '../../errors/options/known-keys.ts'
import { synchronous } from '../../errors/options/synchronous.ts'
import { ConfigurationError } from './configuration-error.ts'
import { show } from './durations.ts'

export { knownKeys, nearestName, unknownOption } from '../../errors/options/known-keys.ts'

// Readers for option values. Each returns the valid value, or throws a ConfigurationError that names the option's path.

/** Reads a whole number from `min` to `max`, both included. */
export function wholeNumber(value: unknown, path: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    throw new ConfigurationError(path, `expected a whole number${range(min, max)}, got ${show(value)}`)
  }
  return value as number
}

/** Reads a finite number from `min` to `max`, both included. */
export function finiteNumber(value: unknown, path: string, min: number, max: number = Number.MAX_VALUE): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) {
    throw new ConfigurationError(path, `expected a number${range(min, max)}, got ${show(value)}`)
  }
  return value
}

/** Bounds of the number format itself are no limits of an option, so the text omits them. */
function range(min: number, max: number): string {
  const bounded = max < Number.MAX_SAFE_INTEGER
  if (min <= Number.MIN_SAFE_INTEGER) return bounded ? ` of at most ${max}` : ''
  return bounded ? ` from ${min} to ${max}` : ` of at least ${min}`
}

/** Reads true or false. Text such as `'false'` is true in a condition, so it is refused. */
export function trueOrFalse(value: unknown, path: string): boolean {
  if (typeof value === 'boolean') return value
  throw new ConfigurationError(path, `expected true or false, got ${show(value)}`)
}

/** Reads a share: above 0 and at most 1. */
export function share(value: unknown, path: string): number {
  if (typeof value !== 'number' || !(value > 0) || value > 1) {
    throw new ConfigurationError(path, `expected a share above 0 and at most 1, got ${show(value)}`)
  }
  return value
}

/** Reads an optional function. */
export function optionalFunction<F>(value: F | undefined, path: string): F | undefined {
  return value === undefined ? value : requiredFunction(value, path)
}

/** Reads a function that must be given. */
export function requiredFunction<F>(value: F, path: string): F {
  if (typeof value === 'function') return value
  throw new ConfigurationError(path, `expected a function, got ${show(value)}`)
}

/**
 * Reads an optional function of at most two arguments whose result is needed at once.
 *
 * The function that is returned throws a ConfigurationError when the given one returns a promise.
 */
export function optionalSyncFunction<A, B, R>(
  value: ((a: A, b: B) => R) | undefined,
  path: string,
): ((a: A, b: B) => R) | undefined {
  const given = optionalFunction(value, path)
  return given && ((a, b) => synchronous(given(a, b), path))
}

/** Reads one of the given words. */
export function oneOf<const W extends string>(value: unknown, path: string, words: readonly W[]): W {
  if (!words.includes(value as W)) {
    throw new ConfigurationError(
      path,
      `expected one of ${words.map((word) => `'${word}'`).join(', ')}, got ${show(value)}`,
    )
  }
  return value as W
}

/** Reads the bound of the option `perKey`: default 10 000, at most 10 000 000. Undefined without the option. */
export function readMaxKeys(perKey: { readonly maxKeys?: number } | undefined, path: string): number | undefined {
  if (perKey === undefined) return undefined
  knownKeys(perKey, path, ['maxKeys'])
  // A JavaScript Map holds at most about sixteen million entries.
  return wholeNumber(perKey.maxKeys ?? 10_000, `${path}.maxKeys`, 1, 10_000_000)
}

/** Reads text that is not empty. */
export function nonEmptyText(value: unknown, path: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new ConfigurationError(path, `expected text that is not empty, got ${show(value)}`)
}

/** Reads the name of a shield or a policy: 1 to 100 characters. */
export function checkedName(value: unknown, path: string): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 100) {
    throw new ConfigurationError(path, `expected a name of 1 to 100 characters, got ${show(value)}`)
  }
  return value
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]{1,100}$/i

/** Whether a value is the name of a header: 1 to 100 characters of a token (RFC 9110, section 5.6.2). */
export function isHeaderName(value: unknown): value is string {
  return typeof value === 'string' && HEADER_NAME.test(value)
}
