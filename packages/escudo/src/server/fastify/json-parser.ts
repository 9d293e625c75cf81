import type { FastifyBodyParser, FastifyInstance } from 'fastify'
import { WellKnown } from '../../errors/catalogue/well-known.ts'

/**
 * Parses JSON bodies. Stricter than Fastify's own: JSON is UTF-8 (RFC 8259), so that another charset is 415 and bytes
 * that are no UTF-8 are malformed, instead of becoming question marks in a name.
 */
export function jsonParser(app: FastifyInstance): FastifyBodyParser<Buffer> {
  // Fastify's, for its guard against `__proto__` in a body.
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
