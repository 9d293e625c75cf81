import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { read } from '../errors/safe-read.ts'

/** Checks the option `contract` of an adapter. */
export function checkContract(contract: unknown, path: string): void {
  if (typeof read(contract, 'translate') === 'function') return
  throw new ConfigurationError(path, `expected what createErrorContract returned, got ${show(contract)}`)
}
