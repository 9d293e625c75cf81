import type { LogLine } from '../../log-line.ts'
import { LineReader } from '../../reader/line-reader.ts'
import { Unread } from '../../reader/unread.ts'

/** Reads the lines of one file and returns its records. */
export function readLines(
  lines: readonly (string | object)[],
  reader: LineReader = new LineReader(),
): readonly LogLine[] {
  const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
  reader.probe(texts)
  return texts.flatMap((text) => {
    const read = reader.read(text)
    if (read instanceof Unread) throw new Error(`${read.reason}: ${text.slice(0, 100)}`)
    return Array.isArray(read) ? (read as readonly LogLine[]) : [read as LogLine]
  })
}

/** Reads one line as a file. */
export function readOne(line: string | object): LogLine {
  const [first] = readLines([line])
  if (first === undefined) throw new Error('no record')
  return first
}
