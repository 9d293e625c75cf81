import type { FileHandle } from 'node:fs/promises'

const NEWLINE = 10
const FIRST_READ_BYTES = 4_096
const READ_BYTES_MAX = 1_048_576

/**
 * Finds the start of the line at `offset`.
 *
 * @returns the offset after the last newline before `offset`; 0 when there is none
 */
export async function lineStart(file: FileHandle, offset: number): Promise<number> {
  let end = offset
  let length = FIRST_READ_BYTES
  while (end > 0) {
    const start = Math.max(0, end - length)
    const bytes = Buffer.allocUnsafe(end - start)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
    const found = bytes.subarray(0, bytesRead).lastIndexOf(NEWLINE)
    if (found !== -1) return start + found + 1
    end = start
    length = Math.min(length * 2, READ_BYTES_MAX)
  }
  return 0
}
