import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'

/**
 * Checks the option `security` of a function.
 *
 * @param path the name of the function, for messages
 * @throws ConfigurationError for an invalid value
 */
export function checkSecurity(security: unknown, path: string): void {
  if (typeof security !== 'object' || security === null || Array.isArray(security)) {
    throw new ConfigurationError(`${path}.security`, `expected an object, got ${show(security)}`)
  }
  for (const [name, value] of Object.entries(security)) {
    const at = `${path}.security.${name}`
    knownKeys(value, at, ['scheme', 'errors'])
    const { scheme = {}, errors } = value as { scheme?: unknown; errors?: unknown }
    if (typeof scheme !== 'object') {
      throw new ConfigurationError(`${at}.scheme`, `expected a Security Scheme Object, got ${show(scheme)}`)
    }
    if (!Array.isArray(errors)) {
      throw new ConfigurationError(`${at}.errors`, `expected an array of codes, got ${show(errors)}`)
    }
  }
}
