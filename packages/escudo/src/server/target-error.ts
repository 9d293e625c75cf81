import { WellKnown } from '../errors/catalogue/well-known.ts'
import { isDecodable } from './not-found.ts'

/** The longest request target, in characters. */
export const URL_LENGTH_MAX = 8_192
/** The longest part of a path between two slashes, which can be a parameter. */
export const SEGMENT_LENGTH_MAX = 4_096

const LONG_SEGMENT = new RegExp(`[^/]{${SEGMENT_LENGTH_MAX + 1}}`)

/**
 * The error of a request target that no router of web standards may see; undefined for a valid one.
 *
 * 414 for one that is too long, 400 for one that is no URL or cannot be decoded.
 *
 * @param target a path with its query, or an absolute URL
 */
export function targetError(target: string): Error | undefined {
  // The usual case first.
  if (target.length <= SEGMENT_LENGTH_MAX && /^\/[\w/.~-]*(?:\?[\w.~&=-]*)?$/.test(target)) return undefined
  // That of `OPTIONS *`, which is about the server and not about a path.
  if (target === '*') return new WellKnown.ROUTE_NOT_FOUND()
  if (target.length > URL_LENGTH_MAX) return new WellKnown.URI_TOO_LONG()
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/, 1)[0] as string
  if (LONG_SEGMENT.test(path)) return new WellKnown.URI_TOO_LONG()
  const isUrl =
    URL.canParse(target.startsWith('/') ? `http://host${target}` : target) && /^(?:\/|https?:)/i.test(target)
  return isUrl && isDecodable(path) && !path.includes('\\') ? undefined : new WellKnown.BAD_REQUEST()
}
