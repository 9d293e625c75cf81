import type { IncomingMessage } from 'node:http'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { jsonTypeError, parseJson } from '../json-body.ts'
import { readJson } from './read-json.ts'

/**
 * Reads the JSON body of a request that a body parser may have read before.
 *
 * @param parsed what the parser has made of it. It is checked as if it were read here
 */
export async function readParsed(request: IncomingMessage, parsed: unknown, limitBytes: number): Promise<unknown> {
  if (parsed === undefined || !request.readableDidRead) return await readJson(request, limitBytes)
  // The parser has decoded it.
  const error = jsonTypeError(request.headers['content-type'], undefined)
  if (error !== undefined) throw error
  const text = JSON.stringify(parsed) ?? ''
  if (Buffer.byteLength(text) > limitBytes) throw new WellKnown.PAYLOAD_TOO_LARGE()
  return parseJson(text)
}
