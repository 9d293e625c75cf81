import type { LogFiles } from '../journal/log-files.ts'
import { LineSplitter } from '../lines/line-splitter.ts'
import { readLogLine } from '../lines/log-line.ts'
import { hashOf } from '../traces/trace-filter.ts'
import type { Block } from '../traces/trace-index.ts'

/** The most lines returned for one trace. */
const TRACE_LINES_MAX = 2_000
const TRACE_CHARACTERS_MAX = 8_388_608
const CHUNK_BYTES = 1_048_576

/** A trace as `GET /api/traces/<id>` returns it. */
export interface Trace {
  readonly trace_id: string
  /** Its lines as logged, ordered by time. A line without a service gets the one of its file. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  /** Whether lines may be missing: there are too many, or the index no longer covers all files. */
  readonly is_partial: boolean
}

interface Found {
  readonly at: number
  readonly line: Readonly<Record<string, unknown>>
}

/** Reads the lines of a trace from the files. */
export async function readTrace(files: LogFiles, id: string): Promise<Trace> {
  const found: Found[] = []
  let characters = 0
  const hash = hashOf(id)
  // JSON can escape other characters in more than one way, so for such an id every line is parsed.
  const isPlain = /^[\w.:-]+$/.test(id)
  const indexed = files.journal.traces.find(id)
  const open = files.all.map(({ log }) => log.openBlock(hash)).filter((block) => block !== undefined)
  const services = new Map(files.all.map(({ log, tail }) => [tail.path, log.service]))
  for (const block of [...indexed, ...open]) {
    const service = services.get(block.log.path) ?? ''
    await eachLine(block, (text) => {
      if (isPlain && !text.includes(id)) return
      const line = readLogLine(text)
      if (line?.traceId !== id || found.length >= TRACE_LINES_MAX || characters > TRACE_CHARACTERS_MAX) return
      characters += text.length
      const logged = JSON.parse(text) as Readonly<Record<string, unknown>>
      const at = line.at ?? Number.POSITIVE_INFINITY
      found.push({
        at,
        line: line.service === logged['service'] ? withService(logged, service) : { ...logged, service: line.service },
      })
    })
  }
  found.sort((a, b) => (a.at === b.at ? 0 : a.at - b.at))
  const isFull = found.length >= TRACE_LINES_MAX || characters > TRACE_CHARACTERS_MAX
  return { trace_id: id, lines: found.map(({ line }) => line), is_partial: isFull || !files.journal.traces.isComplete }
}

function withService(line: Readonly<Record<string, unknown>>, service: string): Readonly<Record<string, unknown>> {
  return typeof line['service'] === 'string' ? line : { ...line, service }
}

async function eachLine(block: Block, onLine: (text: string) => void): Promise<void> {
  const lines = new LineSplitter({ line: onLine, tooLong: () => {} })
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, block.end - block.start))
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
