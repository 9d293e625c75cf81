/**
 * An option of a shield, a policy or a call is invalid.
 *
 * Options of shields and policies are checked when these are built. Options of `run` are checked by the call, which
 * rejects with this error.
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
  /** The path of the invalid option, such as `circuitBreaker.trip.window`. */
  readonly path: string

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`)
    this.name = 'ConfigurationError'
    this.path = path
  }
}
