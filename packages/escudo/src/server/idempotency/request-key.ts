import { joinHeader } from '../headers.ts'
import { type BodyHeaders, comparedBody } from './compared-body.ts'
import { IdempotencyErrors } from './errors.ts'

const KEY_LENGTH_MAX = 255
/** A string of structured fields (RFC 9651): quoted, with `\"` and `\\`. Parameters may follow; they mean nothing. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"(?: *;.*)?$/
/** Longer than each valid key with its quotes, escapes and some parameters. */
const TEXT_LENGTH_MAX = 1_024

/**
 * Reads the header `Idempotency-Key`: quoted, as the draft wants it, or as most clients send it. Both are the same key.
 *
 * @throws 400 IDEMPOTENCY_KEY_INVALID for anything but 1 to 255 printable ASCII characters, and for quotes that are no
 * string: such as those of two headers
 */
export function readKey(header: string | readonly string[] | undefined): string | undefined {
  const text = joinHeader(header)?.trim()
  if (text === undefined) return undefined
  if (text.length > TEXT_LENGTH_MAX) throw new IdempotencyErrors.IDEMPOTENCY_KEY_INVALID()
  const key = text.startsWith('"') ? QUOTED.exec(text)?.[1]?.replace(/\\(["\\])/g, '$1') : text
  if (key === undefined || key.length === 0 || key.length > KEY_LENGTH_MAX || !/^[\x20-\x7e]+$/.test(key)) {
    throw new IdempotencyErrors.IDEMPOTENCY_KEY_INVALID()
  }
  return key
}

/** The key in the store. A hash, so that it has a fixed length and says nothing about the user. */
export function storedKey(principal: string, method: string, route: string, key: string): Promise<string> {
  return sha256(encoder.encode(JSON.stringify([principal, method, route, key])))
}

/** What must be the same in all requests with one key: the target and the body. */
export function fingerprintOf(target: string, body: unknown, headers: BodyHeaders = {}): Promise<string> {
  const start = encoder.encode(`${target}\n`)
  const compared = comparedBody(body, headers)
  const bytes = typeof compared === 'string' ? encoder.encode(compared) : compared
  const all = new Uint8Array(start.length + bytes.length)
  all.set(start)
  all.set(bytes, start.length)
  return sha256(all)
}

const encoder = new TextEncoder()

async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
