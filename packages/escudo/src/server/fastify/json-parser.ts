import type { FastifyBodyParser, FastifyInstance, FastifyRequest } from 'fastify'
import { WellKnown } from '../../errors/catalogue/well-known.ts'

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
    const type = request.headers['content-type'] ?? ''
    const charset = type.includes(';') ? /;\s*charset="?([^\s;"]+)/i.exec(type)?.[1] : undefined
    if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
      done(new WellKnown.UNSUPPORTED_MEDIA_TYPE())
      return
    }
    if (isEncoded(request)) {
      done(new WellKnown.UNSUPPORTED_MEDIA_TYPE(undefined, { headers: { 'accept-encoding': 'identity' } }))
      return
    }
    const text = decode(body)
    if (text === undefined) done(new WellKnown.MALFORMED_JSON())
    else parse(request, text, done)
  }
}

/** The key under which Fastify keeps the body to parse. A hook that decodes the body replaces it. */
const PAYLOAD = 'fastify.RequestPayloadStream'

/** Whether a body has a content coding that no hook has decoded. RFC 9110, 15.5.16. */
function isEncoded(request: FastifyRequest): boolean {
  const coding = request.headers['content-encoding']?.trim().toLowerCase()
  if (coding === undefined || coding === '' || coding === 'identity') return false
  const key = Object.getOwnPropertySymbols(request).find(({ description }) => description === PAYLOAD)
  const payload = key === undefined ? request.raw : (request as unknown as Record<symbol, unknown>)[key]
  return payload === undefined || payload === request.raw
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function decode(body: Buffer): string | undefined {
  try {
    return decoder.decode(body)
  } catch {
    return undefined
  }
}
