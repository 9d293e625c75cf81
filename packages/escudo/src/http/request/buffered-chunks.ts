import { type BodyChunks, checkedChunk } from './body-chunks.ts'

/** What was read of a stream: the whole body, or its beginning. */
export type Buffered = Uint8Array<ArrayBuffer> | Uint8Array[]

/** Reads a stream into memory. Returns the chunks read so far if the body is longer than `maxBytes`. */
export async function bufferChunks(chunks: BodyChunks, maxBytes: number): Promise<Buffered> {
  const buffered: Uint8Array[] = []
  let length = 0
  while (length <= maxBytes) {
    const { done, value } = await chunks.next()
    if (done || value === undefined) return concatenated(buffered, length)
    buffered.push(checkedChunk(value))
    length += value.byteLength
  }
  return buffered
}

function concatenated(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}
