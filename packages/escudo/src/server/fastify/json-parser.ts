import type { FastifyBodyParser, FastifyInstance } from 'fastify'
import { WellKnown } from '../../errors/catalogue/well-known.ts'

/**
 * Makes the parser of JSON bodies. It is stricter than Fastify's own, because JSON is UTF-8 (RFC 8259).
 *
 * Another charset is answered with 415. Bytes that are not UTF-8 are malformed: Fastify would replace them by question
 * marks.
 */
export function jsonParser(app: FastifyInstance): FastifyBodyParser<Buffer> {
  // Fastify's own parser rejects `__proto__` in a body.
  const parse = app.getDefaultJsonParser('error', 'error')
  return (request, body, done) => {
    const charset = /;\s*charset="?([^\s;"]+)/i.exec(request.headers['content-type'] ?? '')?.[1]
    if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
      done(new WellKnown.UNSUPPORTED_MEDIA_TYPE())
      return
    }
    const text = decode(body)
    if (text === undefined) done(new WellKnown.MALFORMED_JSON())
    else parse(request, text, done)
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function decode(body: Buffer): string | undefined {
  try {
    return decoder.decode(body)
  } catch {
    return undefined
  }
}
