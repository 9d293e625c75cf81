import type { LineRef } from '../journal/line-place.ts'
import type { LogFiles } from '../journal/log-files.ts'
import { LineSplitter } from '../lines/line-splitter.ts'
import { linesIn } from '../lines/reader/line-reader.ts'
import { type FoundLine, factsOf, fieldsOf, type LineFacts } from './line-facts.ts'

const CHUNK_BYTES = 262_144
/** A place begins at most one read before its line, so this is enough for any line but the longest. */
const BYTES_MAX = 4_194_304

/** One line as `GET /api/lines/<place>` returns it. */
export interface OneLine {
  readonly line: Readonly<Record<string, unknown>>
  readonly facts: LineFacts
}

/** Reads a line back from its file; undefined if the file no longer has it. */
export async function readLine(files: LogFiles, [number, start, lines, record]: LineRef): Promise<OneLine | undefined> {
  const source = files.all.find(({ log }) => log.openLog(number) !== undefined)
  const log = source?.log.openLog(number)
  if (source === undefined || log === undefined || start > log.readTo) return undefined
  const reader = source.log.reader()
  let left = lines
  let parts: string[] = []
  let found: FoundLine | undefined
  const splitter = new LineSplitter({
    line: (text) => {
      if (left < 0) return
      // The parts of a split line come before it, so each line is read.
      const line = linesIn(reader.read(text))[record]
      parts.push(text)
      if (left === 0 && line !== undefined)
        found = { line, service: line.service ?? source.log.service, file: log.path, raw: parts.join('\n') }
      if (!reader.isWithinLine) parts = []
      left -= 1
    },
    tooLong: () => {
      left -= 1
    },
  })
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  const end = Math.min(log.readTo, start + BYTES_MAX)
  try {
    for (let offset = start; offset < end && left >= 0; ) {
      const { bytesRead } = await log.file.read(buffer, 0, Math.min(CHUNK_BYTES, end - offset), offset)
      if (bytesRead === 0) break
      offset += bytesRead
      splitter.push(buffer.subarray(0, bytesRead))
    }
    if (left >= 0) splitter.flush()
  } catch {
    // The file was closed in the meantime.
    return undefined
  }
  return found === undefined ? undefined : { line: fieldsOf(found), facts: factsOf(found) }
}
