/**
 * Returns bytes of the same length that are not valid JSON.
 *
 * The first byte becomes `<`, with which no JSON text begins.
 */
export function corrupted(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes)
  if (copy.length > 0) copy[0] = 0x3c
  return copy
}

/** Returns the first half, rounded down: nothing of a single byte. */
export function firstHalf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length >> 1)
}
