/**
 * An option is invalid.
 *
 * Options of shields, policies, contracts and clients are checked when these are built. Options of `run` are checked by
 * the call, which rejects with this error. It is a `TypeError`, because that is what JavaScript throws for a wrong
 * argument.
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
export class ConfigurationError extends TypeError {
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
