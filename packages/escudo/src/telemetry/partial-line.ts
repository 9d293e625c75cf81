import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'

/** How far back a partial line is searched for, if other processes have appended lines to it. */
const SEARCH_BYTES_MAX = 1_048_576
const NEWLINE = 10
const BRACE = 0x7b

/** How many bytes a pipe takes as a whole: POSIX guarantees 512, Linux has 4096. */
const PIPE_BYTES_MAX = 4_096

/** Divides lines so that no other process that writes to the same pipe can divide one: whole lines, 4 KiB if possible. */
export function* wholeWrites(lines: Buffer): Iterable<Buffer> {
  for (let start = 0; start < lines.length; ) {
    const last = lines.lastIndexOf(NEWLINE, start + PIPE_BYTES_MAX - 1)
    const end = last >= start ? last : lines.indexOf(NEWLINE, start)
    yield lines.subarray(start, end === -1 ? lines.length : end + 1)
    start = end === -1 ? lines.length : end + 1
  }
}

const PAGE_BYTES = 4_096

/**
 * Divides lines so that each write changes one page of the file, except for the start of its first line. `kill -9` ends
 * a write between two pages, so it can divide only a line that lies in two.
 *
 * @param at where in the file the lines begin
 */
export function* pageWrites(lines: Buffer, at: number): Iterable<Buffer> {
  for (let start = 0; start < lines.length; ) {
    const first = lines.indexOf(NEWLINE, start)
    if (first === -1) {
      yield lines.subarray(start)
      return
    }
    const pageEnd = Math.ceil((at + first + 1) / PAGE_BYTES) * PAGE_BYTES - at
    const end = lines.lastIndexOf(NEWLINE, Math.min(pageEnd, lines.length) - 1) + 1
    yield lines.subarray(start, end)
    start = end
  }
}

/** How many lines are in these bytes. The rest of a line counts too. */
export function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count += 1
  return bytes.length > 0 && bytes[bytes.length - 1] !== NEWLINE ? count + 1 : count
}

/** Whether a file of this size ends with a whole line. True if it cannot be read. */
export function endsWithNewline(path: string, size: number): boolean {
  if (size === 0) return true
  return (
    withFile(path, 'r', (fd) => {
      const last = Buffer.alloc(1)
      readSync(fd, last, 0, 1, size - 1)
      return last[0] === NEWLINE
    }) ?? true
  )
}

/**
 * Overwrites a partial line with newlines. Readers skip empty lines. Returns whether it was found.
 *
 * The file is not truncated: another process may have appended its line meanwhile, and that line would be lost.
 */
export function blankOut(path: string, part: Buffer): boolean {
  const isBlank = withFile(path, 'r+', (fd) => {
    const { size } = fstatSync(fd)
    const tail = Buffer.alloc(Math.min(size, SEARCH_BYTES_MAX))
    readSync(fd, tail, 0, tail.length, size - tail.length)
    const at = positionOf(part, tail)
    if (at === -1) return false
    writeSync(fd, Buffer.alloc(part.length, NEWLINE), 0, part.length, size - tail.length + at)
    return true
  })
  return isBlank === true
}

/**
 * Finds the partial line: at the end, or before the line of another process. A whole line of another process can begin
 * with the same bytes, but goes on differently.
 */
function positionOf(part: Buffer, tail: Buffer): number {
  for (let at = tail.lastIndexOf(part); at !== -1; at = at === 0 ? -1 : tail.lastIndexOf(part, at - 1)) {
    const next = tail[at + part.length]
    const isAtStart = at === 0 || tail[at - 1] === NEWLINE || part[0] === NEWLINE
    if (isAtStart && (next === undefined || next === BRACE)) return at
  }
  return -1
}

function withFile<T>(path: string, flags: string, body: (fd: number) => T): T | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, flags)
    return body(fd)
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
