import { createHash } from 'node:crypto'
import { fstatSync, readSync } from 'node:fs'

/** The bytes of the checksum at the end. */
const CHECK_BYTES = 32
const PIECE_BYTES = 262_144
const ALGORITHM = 'sha256'

/**
 * Yields the pieces of a file, and at the end the checksum of all of them.
 *
 * A piece may be used again for the next one: it must be written before that is asked for.
 */
export function* withChecksum(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  const hash = createHash(ALGORITHM)
  for (const piece of pieces) {
    hash.update(piece)
    yield piece
  }
  yield hash.digest()
}

/** Whether an open file is as {@link withChecksum} made it: with all its bytes, none of them changed, and no others. */
export function isWhole(file: number): boolean {
  const end = fstatSync(file).size - CHECK_BYTES
  if (end < 0) return false
  const hash = createHash(ALGORITHM)
  const buffer = Buffer.allocUnsafe(PIECE_BYTES)
  for (let at = 0; at < end; ) {
    const bytes = readSync(file, buffer, 0, Math.min(buffer.length, end - at), at)
    if (bytes === 0) return false
    hash.update(buffer.subarray(0, bytes))
    at += bytes
  }
  const check = buffer.subarray(0, readSync(file, buffer, 0, CHECK_BYTES, end))
  return hash.digest().equals(check)
}

/** Returns a function that reads the next bytes of such a file, from an offset to the checksum. It returns 0 at the end. */
export function readerFrom(file: number, start: number): (into: Uint8Array) => number {
  const end = fstatSync(file).size - CHECK_BYTES
  let at = start
  return (into) => {
    const bytes = readSync(file, into, 0, Math.min(into.length, Math.max(0, end - at)), at)
    at += bytes
    return bytes
  }
}
