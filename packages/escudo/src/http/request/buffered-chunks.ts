import { joinChunks } from '../joined-chunks.ts'
import { type BodyChunks, checkedChunk } from './body-chunks.ts'

/** What was read of a stream: the whole body, or its beginning. */
export type Buffered = Uint8Array<ArrayBuffer> | Uint8Array[]

/** Reads a stream into memory. Returns the chunks read so far if the body is longer than `maxBytes`. */
export async function bufferChunks(chunks: BodyChunks, maxBytes: number): Promise<Buffered> {
  const buffered: Uint8Array[] = []
  let length = 0
  while (length <= maxBytes) {
    const { done, value } = await chunks.next()
    if (done || value === undefined) return joinChunks(buffered)
    buffered.push(checkedChunk(value))
    length += value.byteLength
  }
  return buffered
}
