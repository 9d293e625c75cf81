import { isError, read } from '../../errors/safe-read.ts'

/**
 * The code of an error that Fastify or one of its plugins made. Undefined for any other value.
 *
 * The code alone proves nothing: a client of another Fastify service can copy the fields of that service's answer to an
 * error. `@fastify/error` marks the prototypes of its errors with a registered symbol.
 */
export function genuineCode(error: unknown): string | undefined {
  const code = read(error, 'code')
  if (!isError(error) || typeof code !== 'string') return undefined
  return read(error, Symbol.for(`fastify-error ${code}`)) === true ? code : undefined
}
