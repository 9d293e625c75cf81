import type { FileHandle } from 'node:fs/promises'

/**
 * Bytes in memory that are read like those of a file.
 *
 * It has only what reading lines back needs: `read` and `close`.
 */
export class MemoryFile {
  readonly #chunks: Buffer[] = []
  /** The offset of each chunk. */
  readonly #starts: number[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** Adds bytes at the end. They must not change afterwards. */
  append(bytes: Buffer): void {
    this.#chunks.push(bytes)
    this.#starts.push(this.#bytes)
    this.#bytes += bytes.length
  }

  async read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }> {
    let read = 0
    for (let index = this.#indexOf(position); index < this.#chunks.length && read < length; index += 1) {
      const chunk = this.#chunks[index] as Buffer
      const from = position + read - (this.#starts[index] as number)
      if (from >= chunk.length) break
      read += chunk.copy(buffer, offset + read, from, Math.min(chunk.length, from + length - read))
    }
    return { bytesRead: read }
  }

  async close(): Promise<void> {
    this.#chunks.length = 0
    this.#starts.length = 0
  }

  /** As a file handle. What is not here is not used by what reads lines back. */
  asHandle(): FileHandle {
    return this as unknown as FileHandle
  }

  /** The last chunk that begins at or before a position. */
  #indexOf(position: number): number {
    let low = 0
    let high = this.#starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle] as number) <= position) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }
}
