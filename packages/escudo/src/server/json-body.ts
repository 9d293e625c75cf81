import { WellKnown } from '../errors/catalogue/well-known.ts'

// JSON bodies, for every framework. JSON is UTF-8 (RFC 8259).

/** The largest body, in bytes, unless an option says otherwise. */
export const BODY_LIMIT = 1_048_576

/**
 * The error of a body that is not JSON in UTF-8, by its headers; undefined if it can be.
 *
 * Another media type, another charset and a content coding that is not decoded are 415 (RFC 9110, 15.5.16).
 *
 * @param type the `Content-Type` header
 * @param encoding the `Content-Encoding` header; undefined if the body is already decoded
 */
export function jsonTypeError(type: string | undefined, encoding: string | undefined): Error | undefined {
  if (!isJsonType(type)) return new WellKnown.UNSUPPORTED_MEDIA_TYPE()
  return charsetError(type) ?? encodingError(encoding)
}

/** Whether a `Content-Type` announces JSON. */
function isJsonType(type: string | undefined): type is string {
  return type !== undefined && /^\s*application\/json\s*(?:;|$)/i.test(type)
}

/** 415 for a charset other than UTF-8. */
export function charsetError(type: string | undefined): Error | undefined {
  const charset = type?.includes(';') ? /;\s*charset="?([^\s;"]+)/i.exec(type)?.[1] : undefined
  return charset === undefined || /^utf-?8$/i.test(charset) ? undefined : new WellKnown.UNSUPPORTED_MEDIA_TYPE()
}

/** 415 for a content coding that is still on the body. */
export function encodingError(encoding: string | undefined): Error | undefined {
  const coding = encoding?.trim().toLowerCase()
  if (coding === undefined || coding === '' || coding === 'identity') return undefined
  return new WellKnown.UNSUPPORTED_MEDIA_TYPE(undefined, { headers: { 'accept-encoding': 'identity' } })
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Decodes UTF-8; undefined for bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Parses the bytes of a JSON body.
 *
 * `__proto__`, and `constructor` with a `prototype` in it, are malformed: code that copies such a body would change the
 * prototypes of its objects.
 *
 * @returns the value
 * @throws 400 `MALFORMED_JSON` for an empty body, for bytes that are not UTF-8, and for text that is not JSON
 */
export function parseJson(bytes: Uint8Array | string): unknown {
  const text = typeof bytes === 'string' ? bytes : decodeUtf8(bytes)
  if (text === undefined) throw new WellKnown.MALFORMED_JSON()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new WellKnown.MALFORMED_JSON(undefined, { cause: error })
  }
  if (SUSPECT.test(text)) rejectPrototypes(value)
  return value
}

// Also with escapes, as `\u005f_proto__`.
const SUSPECT = /__proto__|constructor|\\u00/i

function rejectPrototypes(value: unknown): void {
  // A list instead of recursion: a client chooses the depth.
  const pending: unknown[] = [value]
  while (pending.length > 0) {
    const item = pending.pop()
    if (typeof item !== 'object' || item === null) continue
    const made = Object.hasOwn(item, 'constructor') ? (item as { constructor: unknown }).constructor : undefined
    const isSuspect = typeof made === 'object' && made !== null && Object.hasOwn(made, 'prototype')
    if (Object.hasOwn(item, '__proto__') || isSuspect) throw new WellKnown.MALFORMED_JSON()
    for (const value of Object.values(item)) pending.push(value)
  }
}
