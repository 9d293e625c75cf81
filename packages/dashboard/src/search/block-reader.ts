import { LINE_BYTES_MAX } from '../lines/line-splitter.ts'
import { wholeLineStart } from '../tail/line-start.ts'
import type { OpenLog } from '../tail/open-log.ts'

/** The first block of a file is small, so that the first lines are found at once. */
const FIRST_BYTES = 65_536
const BLOCK_BYTES = 1_048_576
const NEWLINE = 10

/** Complete lines of a file. */
export interface LineBlock {
  /** The offset of its first byte in the file. */
  readonly start: number
  readonly bytes: Buffer
}

/** Reads files backwards, in blocks of complete lines. The next block overwrites the last one. */
export class BlockReader {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES)

  /** Returns the size of the block after one of `bytes` bytes; the first one after none. */
  static nextSize(bytes: number): number {
    return bytes === 0 ? FIRST_BYTES : Math.min(bytes * 4, BLOCK_BYTES)
  }

  /**
   * Reads the lines that end before an offset, at most `size` bytes of them unless one line is longer.
   *
   * With `isJoined` a block begins with a whole line, also where a container runtime split it. A line that is too long
   * gives an empty block.
   */
  async read(log: OpenLog, end: number, size: number, isJoined: boolean): Promise<LineBlock> {
    const from = Math.max(0, end - size)
    if (isJoined && from > 0) {
      const start = await wholeLineStart(log.file, from)
      return { start, bytes: await this.#fill(log, start, end) }
    }
    const bytes = await this.#fill(log, from, end)
    if (from === 0) return { start: 0, bytes }
    const first = bytes.indexOf(NEWLINE)
    if (first !== -1 && first + 1 < bytes.length) return { start: from + first + 1, bytes: bytes.subarray(first + 1) }
    const start = await wholeLineStart(log.file, end - 1)
    return { start, bytes: end - start > LINE_BYTES_MAX + 1 ? bytes.subarray(0, 0) : await this.#fill(log, start, end) }
  }

  async #fill(log: OpenLog, start: number, end: number): Promise<Buffer> {
    const wanted = end - start
    if (this.#buffer.length < wanted) this.#buffer = Buffer.allocUnsafe(Math.max(wanted, BLOCK_BYTES))
    let filled = 0
    while (filled < wanted) {
      const { bytesRead } = await log.file.read(this.#buffer, filled, wanted - filled, start + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return this.#buffer.subarray(0, filled)
  }
}
