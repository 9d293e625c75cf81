import type { FileHandle } from 'node:fs/promises'

const NEWLINE = 10
const FIRST_READ_BYTES = 4_096
const READ_BYTES_MAX = 1_048_576

/**
 * Finds the start of the line at `offset`.
 *
 * @returns the offset after the last newline before `offset`; 0 when there is none
 */
async function lineStart(file: FileHandle, offset: number): Promise<number> {
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

/** The most parts of one line that are looked for. */
const PARTS_MAX = 64
const CRI_PART = /^\d{4}-\d\d-\d\dT\S{8,40} (?:stdout|stderr) P /
/** Docker splits lines at 16 KiB, and only the last part of a line ends with a newline. */
const DOCKER_PART_BYTES_MIN = 16_000
/** Less than a part of Docker. */
const NEAR_BYTES = 8_192
const HEAD_BYTES = 128

/**
 * Finds the start of the line at `offset`, or of its first part if a container runtime split it.
 *
 * @returns an offset after a newline, at most `offset`; 0 when there is none
 */
export async function wholeLineStart(file: FileHandle, offset: number): Promise<number> {
  // One read tells it of most lines.
  const near = await nearStart(file, offset)
  if (near !== undefined) return near
  let start = await lineStart(file, offset)
  for (let part = 0; part < PARTS_MAX && start > 0; part += 1) {
    const before = await lineStart(file, start - 1)
    if (!(await isPart(file, before, start))) break
    start = before
  }
  return start
}

/** The start of the line at `offset`, if it and the line before are short and the latter is no part of it. */
async function nearStart(file: FileHandle, offset: number): Promise<number | undefined> {
  const from = Math.max(0, offset - NEAR_BYTES)
  const bytes = Buffer.allocUnsafe(offset - from)
  const { bytesRead } = await file.read(bytes, 0, bytes.length, from)
  const last = bytes.subarray(0, bytesRead).lastIndexOf(NEWLINE)
  const before = last <= 0 ? -1 : bytes.lastIndexOf(NEWLINE, last - 1)
  if (before === -1 || CRI_PART.test(bytes.toString('utf8', before + 1, before + 1 + HEAD_BYTES))) return undefined
  return from + last + 1
}

async function isPart(file: FileHandle, from: number, to: number): Promise<boolean> {
  const head = await textAt(file, from, Math.min(to - from, HEAD_BYTES))
  if (CRI_PART.test(head)) return true
  if (!head.startsWith('{"log":"') || to - from < DOCKER_PART_BYTES_MIN) return false
  const end = await textAt(file, Math.max(from, to - 256), Math.min(to - from, 256))
  return end.includes('","stream":"') && !end.includes('\\n","stream":"')
}

async function textAt(file: FileHandle, offset: number, length: number): Promise<string> {
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await file.read(bytes, 0, length, offset)
  return bytes.toString('utf8', 0, bytesRead)
}
