/** Joins chunks, or the first `bytesMax` bytes of them. */
export function joinChunks(
  chunks: readonly Uint8Array[],
  bytesMax: number = Number.POSITIVE_INFINITY,
): Uint8Array<ArrayBuffer> {
  let length = 0
  for (const { byteLength } of chunks) length += byteLength
  const bytes = new Uint8Array(Math.min(length, bytesMax))
  let offset = 0
  for (const chunk of chunks) {
    const left = bytes.length - offset
    const part = chunk.byteLength > left ? chunk.subarray(0, left) : chunk
    bytes.set(part, offset)
    offset += part.byteLength
  }
  return bytes
}
