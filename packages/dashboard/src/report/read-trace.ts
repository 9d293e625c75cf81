import type { LogFiles } from '../journal/log-files.ts'
import { LineSplitter } from '../lines/line-splitter.ts'
import type { LogLine } from '../lines/log-line.ts'
import { Unread } from '../lines/reader/unread.ts'
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
  const logs = new Map(files.all.map(({ log, tail }) => [tail.path, log]))
  for (const block of [...indexed, ...open]) {
    const log = logs.get(block.log.path)
    if (log === undefined) continue
    const reader = log.reader()
    // The parts of a split line hold only parts of the id.
    const isWhole = isPlain && !['cri', 'docker'].some((wrapper) => log.wrappers.has(wrapper))
    await eachLine(block, (text) => {
      if (isWhole && !text.includes(id)) return
      const read = reader.read(text)
      if (read instanceof Unread) return
      for (const line of Array.isArray(read) ? (read as readonly LogLine[]) : [read as LogLine]) {
        if (line.traceId !== id || found.length >= TRACE_LINES_MAX || characters > TRACE_CHARACTERS_MAX) continue
        characters += text.length
        found.push({ at: line.at ?? Number.POSITIVE_INFINITY, line: shown(line, log.service) })
      }
    })
  }
  found.sort((a, b) => (a.at === b.at ? 0 : a.at - b.at))
  const isFull = found.length >= TRACE_LINES_MAX || characters > TRACE_CHARACTERS_MAX
  return { trace_id: id, lines: found.map(({ line }) => line), is_partial: isFull || !files.journal.traces.isComplete }
}

/**
 * Returns the fields of a line as they were logged, and under canonical names what the page shows.
 *
 * A canonical name that the line has itself stays as it is.
 */
function shown(line: LogLine, service: string): Readonly<Record<string, unknown>> {
  const logged = line.fields.all
  const canonical: Record<string, unknown> = {
    timestamp: line.at === undefined ? undefined : new Date(line.at).toISOString(),
    log_level: line.level,
    message: line.message,
    trace_id: line.traceId,
    span_id: line.spanId,
    parent_span_id: line.parentSpanId,
    method: line.method,
    route: line.route,
    path: line.path,
    status_code: line.status,
    latency_ms: line.latencyMs,
    error_code: line.errorCode,
  }
  const all: Record<string, unknown> = { ...readable(logged), service: line.service ?? service }
  if (line.format === 'escudo') return all
  for (const [name, value] of Object.entries(canonical)) {
    if (value === undefined || isUsable(name, logged[name])) continue
    // A time in another field keeps its name and its text.
    if (name !== 'message' || line.message !== logged['msg']) all[name] = value
  }
  return all
}

function isUsable(name: string, value: unknown): boolean {
  if (name === 'timestamp') return typeof value === 'string' && !Number.isNaN(Date.parse(value))
  if (name === 'status_code' || name === 'latency_ms') return typeof value === 'number'
  return typeof value === 'string'
}

/** An object nested too deeply for JSON to be written is left out: it is still in the file. */
function readable(logged: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    JSON.stringify(logged)
    return logged
  } catch {
    return Object.fromEntries(Object.entries(logged).filter(([, value]) => typeof value !== 'object'))
  }
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
