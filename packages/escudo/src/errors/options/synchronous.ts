import { ConfigurationError } from './configuration-error.ts'

// The built-in method: a promise may override `then`.
const { then } = Promise.prototype
const ignore = (): void => {}

/**
 * Returns what a user's function returned, unless it is a promise.
 *
 * A promise is true in a condition and no number, so it must not be used as the answer. Its rejection is handled here:
 * an unhandled one would end the process.
 *
 * @param path the path of the option that the function belongs to
 * @throws ConfigurationError for a promise, any other thenable, and an object whose `then` cannot be read
 */
export function synchronous<T>(value: T, path: string): T {
  if (!isThenable(value)) return value
  ignoreRejection(value)
  throw new ConfigurationError(path, 'returned a promise; it must be synchronous')
}

/** Whether `await` would wait for a value. An object whose `then` throws counts: `await` would throw. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false
  try {
    return typeof (value as { readonly then?: unknown }).then === 'function'
  } catch {
    return true
  }
}

/** Handles the rejection of a promise that is not used. Never throws. */
export function ignoreRejection(promise: PromiseLike<unknown>): void {
  try {
    if (promise instanceof Promise) {
      then.call(promise, undefined, ignore)
      return
    }
    // The `then` of a foreign promise may return a promise too.
    const derived: unknown = promise.then(ignore, ignore)
    if (derived instanceof Promise) then.call(derived, undefined, ignore)
  } catch {
    // A `then` that throws has rejected nothing.
  }
}
