// The class is in `errors/`, which imports nothing: the contract and the catalogue check their options too.
export { ConfigurationError } from '../../errors/options/configuration-error.ts'
