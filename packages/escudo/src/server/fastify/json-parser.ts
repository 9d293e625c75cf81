import type { FastifyBodyParser, FastifyInstance, FastifyRequest } from 'fastify'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { charsetError, decodeUtf8, encodingError } from '../json-body.ts'

/**
 * Makes the parser of JSON bodies. It is stricter than Fastify's own, because JSON is UTF-8 (RFC 8259).
 *
 * Another charset is answered with 415, and so is a compressed body that no hook has decoded. Bytes that are not UTF-8
 * are malformed: Fastify would replace them by question marks.
 */
export function jsonParser(app: FastifyInstance): FastifyBodyParser<Buffer> {
  // Fastify's own parser rejects `__proto__` in a body.
  const parse = app.getDefaultJsonParser('error', 'error')
  return (request, body, done) => {
    const error = charsetError(request.headers['content-type']) ?? encodingOf(request)
    if (error !== undefined) {
      done(error)
      return
    }
    const text = decodeUtf8(body)
    if (text === undefined) done(new WellKnown.MALFORMED_JSON())
    else parse(request, text, done)
  }
}

/** The key under which Fastify keeps the body to parse. A hook that decodes the body replaces it. */
const PAYLOAD = 'fastify.RequestPayloadStream'

/** The error of a body with a content coding that no hook has decoded. */
function encodingOf(request: FastifyRequest): Error | undefined {
  const error = encodingError(request.headers['content-encoding'])
  if (error === undefined) return undefined
  const key = Object.getOwnPropertySymbols(request).find(({ description }) => description === PAYLOAD)
  const payload = key === undefined ? request.raw : (request as unknown as Record<symbol, unknown>)[key]
  return payload === undefined || payload === request.raw ? error : undefined
}
