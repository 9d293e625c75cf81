import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { isError, read } from '../../errors/safe-read.ts'
import { fromBodyParser } from '../body-parser-errors.ts'
import { thrownValueOf } from './thrown-value.ts'

/** Converts an error of Express or of its body parsers. Returns any other thrown value unchanged. */
export function fromExpressError(error: unknown): unknown {
  const thrown = thrownValueOf(error)
  if (!isError(thrown) || factsOf(thrown) !== undefined) return thrown
  const parserError = fromBodyParser(thrown)
  if (parserError !== undefined) return parserError
  if (isMissingFile(thrown)) return new WellKnown.ROUTE_NOT_FOUND(undefined, { cause: thrown })
  return isUndecodable(thrown) ? new WellKnown.BAD_REQUEST(undefined, { cause: thrown }) : thrown
}

/** The error of the router for a parameter that cannot be decoded: a URIError with a status. */
function isUndecodable(error: Error): boolean {
  const message = read(error, 'message')
  const isOfRouter = typeof message === 'string' && message.startsWith('Failed to decode param ')
  return read(error, 'name') === 'URIError' && read(error, 'status') === 400 && isOfRouter
}

const MISSING: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']

/** The error of `sendFile` for a missing file: that of the file system, with a status and without `expose`. */
function isMissingFile(error: Error): boolean {
  const isOfSend = read(error, 'status') === 404 && read(error, 'expose') === false
  return isOfSend && MISSING.includes(read(error, 'code')) && read(error, 'syscall') !== undefined
}
