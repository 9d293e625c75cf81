import type { LogFiles } from '../journal/log-files.ts'
import { LineSplitter } from '../lines/line-splitter.ts'
import { linesIn } from '../lines/reader/line-reader.ts'
import { hashOf } from '../traces/trace-filter.ts'
import type { Block } from '../traces/trace-index.ts'
import { type FoundLine, factsOf, fieldsOf, type LineFacts } from './line-facts.ts'

/** The most lines returned for one trace. */
const TRACE_LINES_MAX = 2_000
const TRACE_CHARACTERS_MAX = 8_388_608
const CHUNK_BYTES = 1_048_576
const NEWLINE = 10
/** Lines without a time come last. */
const LAST = Number.MAX_SAFE_INTEGER

/** A trace as `GET /api/traces/<id>` returns it. */
export interface Trace {
  readonly trace_id: string
  /** Its lines as logged, ordered by time. A line without a service gets the one of its file. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  /** Whether lines may be missing: there are too many, or the index no longer covers all files. */
  readonly is_partial: boolean
  /** What was recognised in each of `lines`. Only with `facts=1`. */
  readonly facts?: readonly LineFacts[]
}

/** Reads the lines of a trace from the files, and with `withFacts` what was recognised in each. */
export async function readTrace(files: LogFiles, id: string, withFacts: boolean = false): Promise<Trace> {
  const found: FoundLine[] = []
  let characters = 0
  const hash = hashOf(id)
  // JSON can escape other characters in more than one way, so for such an id every line is parsed.
  const isPlain = /^[\w.:-]+$/.test(id)
  const indexed = files.journal.traces.find(id)
  const open = files.all.map(({ log }) => log.openBlock(hash)).filter((block) => block !== undefined)
  const logs = new Map(files.all.map(({ log, tail }) => [tail.path, log]))
  const blocks = [...indexed, ...open]
  const bytesMax = blocks.reduce((most, { start, end }) => Math.max(most, end - start), 0)
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, bytesMax))
  for (const block of blocks) {
    const log = logs.get(block.log.path)
    if (log === undefined) continue
    const reader = log.reader()
    // The parts of a split line hold only parts of the id.
    const isWhole = isPlain && !reader.mayBeSplit
    await eachLine(block, buffer, isWhole ? id : '', (text) => {
      if (isWhole && !text.includes(id)) return
      for (const line of linesIn(reader.read(text))) {
        if (line.traceId !== id || found.length >= TRACE_LINES_MAX || characters > TRACE_CHARACTERS_MAX) continue
        characters += text.length
        found.push({ line, service: line.service ?? log.service, file: block.log.path, raw: text })
      }
    })
  }
  found.sort((a, b) => (a.line.at ?? LAST) - (b.line.at ?? LAST))
  const isFull = found.length >= TRACE_LINES_MAX || characters > TRACE_CHARACTERS_MAX
  return {
    trace_id: id,
    lines: found.map(fieldsOf),
    is_partial: isFull || !files.journal.traces.isComplete,
    ...(withFacts ? { facts: found.map(factsOf) } : {}),
  }
}

/** Passes on the lines of a block that may have a text in them. */
async function eachLine(block: Block, buffer: Buffer, wanted: string, onLine: (text: string) => void): Promise<void> {
  const lines: LineSplitter = new LineSplitter({
    line: onLine,
    tooLong: () => {},
    lines: (bytes, from, to) => {
      // To decode all lines takes several times as long as to look for the bytes of the text.
      const all = bytes.subarray(0, to)
      for (let at = all.indexOf(wanted, from); at !== -1; at = all.indexOf(wanted, at)) {
        const start = Math.max(all.lastIndexOf(NEWLINE, at) + 1, from)
        const end = wanted === '' ? to : all.indexOf(NEWLINE, at)
        at = end === -1 ? to : end
        lines.split(all, start, at)
        if (at === to) return
      }
    },
  })
  try {
    for (let offset = block.start; offset < block.end; ) {
      const { bytesRead } = await block.log.file.read(buffer, 0, Math.min(buffer.length, block.end - offset), offset)
      if (bytesRead === 0) break
      offset += bytesRead
      lines.push(buffer.subarray(0, bytesRead))
    }
  } catch {
    // The file was closed in the meantime. Return the lines read so far.
  }
  lines.flush()
}
