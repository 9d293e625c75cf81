import { ConfigurationError } from './configuration-error.ts'
import { show } from './durations.ts'

// Readers for option values. Each returns the valid value, or throws a ConfigurationError that names the option's path.

/** Reads a whole number from `min` to `max`, both included. */
export function wholeNumber(value: unknown, path: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
    throw new ConfigurationError(path, `expected a whole number ${range}, got ${show(value)}`)
  }
  return value as number
}

/** Reads a finite number from `min` to `max`, both included. */
export function finiteNumber(value: unknown, path: string, min: number, max: number = Number.MAX_VALUE): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) {
    const range = max === Number.MAX_VALUE ? `of at least ${min}` : `from ${min} to ${max}`
    throw new ConfigurationError(path, `expected a number ${range}, got ${show(value)}`)
  }
  return value
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
  if (value !== undefined && typeof value !== 'function') {
    throw new ConfigurationError(path, `expected a function, got ${show(value)}`)
  }
  return value
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

/** Checks that options are an object with known keys only, so that a misspelled option is an error. */
export function knownKeys(options: unknown, path: string, keys: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError(path, `expected an object of options, got ${show(options)}`)
  }
  for (const key of Object.keys(options)) {
    if (!keys.includes(key)) {
      throw new ConfigurationError(`${path}.${key}`, `no such option; known here: ${keys.join(', ')}`)
    }
  }
}

/** Reads the bound of the option `perKey`: default 10 000, at most 10 000 000. Undefined without the option. */
export function readMaxKeys(perKey: { readonly maxKeys?: number } | undefined, path: string): number | undefined {
  if (perKey === undefined) return undefined
  knownKeys(perKey, path, ['maxKeys'])
  // A JavaScript Map holds at most about sixteen million entries.
  return wholeNumber(perKey.maxKeys ?? 10_000, `${path}.maxKeys`, 1, 10_000_000)
}

/** Reads the name of a shield or a policy: 1 to 100 characters. */
export function checkedName(value: unknown, path: string): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 100) {
    throw new ConfigurationError(path, `expected a name of 1 to 100 characters, got ${show(value)}`)
  }
  return value
}
