/**
 * Makes bytes that no JSON parser takes, of the same length: no JSON text begins with `<`. Whatever stood first, a
 * blank included, is gone.
 */
export function corrupted(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes)
  if (copy.length > 0) copy[0] = 0x3c
  return copy
}

/** The first half; of a single byte, nothing. */
export function firstHalf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length >> 1)
}
