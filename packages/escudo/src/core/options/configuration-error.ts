/**
 * A shield or a policy was built with a value that cannot work. Thrown while building, never while calling.
 *
 * @example
 * ```ts
 * import { ConfigurationError, timeout } from 'escudo'
 *
 * try {
 *   timeout('2 seconds' as never)
 * } catch (error) {
 *   if (error instanceof ConfigurationError) console.error(error.path) // timeout.after
 * }
 * ```
 */
export class ConfigurationError extends Error {
  /** Always `INVALID_OPTION`. */
  readonly code = 'INVALID_OPTION'
  /** The path of the wrong option: `circuitBreaker.trip.window`. */
  readonly path: string

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`)
    this.name = 'ConfigurationError'
    this.path = path
  }
}
