import { LineSplitter } from '../lines/line-splitter.ts'
import { SLACK_BYTES } from '../lines/scan/words.ts'
import { wholeLineStart } from '../tail/line-start.ts'
import type { OpenLog } from '../tail/open-log.ts'
import { BLOCK_BYTES, type TraceIndex } from '../traces/trace-index.ts'
import type { FileLog } from './file-log.ts'

const CHUNK_BYTES = 1_048_576

/** Reads the older part of large files backwards, one block of complete lines at a time. */
export class Backfill {
  readonly #traces: TraceIndex
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES + SLACK_BYTES)

  constructor(traces: TraceIndex) {
    this.#traces = traces
  }

  /** Reads one block of the file. Never rejects: reading stops for good if the file cannot be read. */
  async step(source: FileLog, log: OpenLog): Promise<void> {
    const end = log.unreadBefore
    try {
      const start = end <= BLOCK_BYTES ? 0 : await wholeLineStart(log.file, end - BLOCK_BYTES)
      const hashes = new Set<number>()
      source.beginOlder(log, start)
      const lines: LineSplitter = new LineSplitter({
        line: (text) => source.takeOlder(text, hashes),
        tooLong: () => source.olderTooLong(),
        lines: (bytes, from, to) => source.takeAllOlder(bytes, from, to, lines, hashes),
      })
      for (let offset = start; offset < end; ) {
        const { bytesRead } = await log.file.read(this.#buffer, 0, Math.min(CHUNK_BYTES, end - offset), offset)
        if (bytesRead === 0 || log.isGone) break
        offset += bytesRead
        lines.push(this.#buffer.subarray(0, bytesRead))
      }
      lines.flush()
      if (!log.isGone) this.#traces.add(log, start, end, hashes)
      log.unreadBefore = start
    } catch {
      log.unreadBefore = 0
    }
  }
}
