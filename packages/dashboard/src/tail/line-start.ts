import type { FileHandle } from 'node:fs/promises'

const NEWLINE = 10
const FIRST_LOOK_BYTES = 4_096
const LOOK_BYTES_MAX = 1_048_576

/** Where the line begins that holds the byte before `offset`'s own: 0, or the place behind a newline before `offset`. */
export async function lineStart(file: FileHandle, offset: number): Promise<number> {
  let end = offset
  let look = FIRST_LOOK_BYTES
  while (end > 0) {
    const start = Math.max(0, end - look)
    const bytes = Buffer.allocUnsafe(end - start)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
    const found = bytes.subarray(0, bytesRead).lastIndexOf(NEWLINE)
    if (found !== -1) return start + found + 1
    end = start
    look = Math.min(look * 2, LOOK_BYTES_MAX)
  }
  return 0
}
