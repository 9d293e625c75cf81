import { LineSplitter } from '../lines/line-splitter.ts'
import { SCANNED_BLOCK_BYTES_MAX } from '../lines/scan/scan-messages.ts'
import { SLACK_BYTES } from '../lines/scan/words.ts'
import { wholeLineStart } from '../tail/line-start.ts'
import type { OpenLog } from '../tail/open-log.ts'
import { TraceHashes } from '../traces/trace-hashes.ts'
import type { FileLog } from './file-log.ts'
import type { Journal } from './journal.ts'
import type { ScanPool } from './scan-pool.ts'
import type { ScannedBlock } from './scanned-block.ts'

const CHUNK_BYTES = 1_048_576
/** Somewhat less than a thread takes, since a block begins with a complete line. */
const BLOCK_BYTES = SCANNED_BLOCK_BYTES_MAX - 65_536
/** With fewer scanned lines per byte, most lines are in doubt, and threads do not help. */
const BYTES_PER_ROW_MAX = 2_048
/** The most blocks of a file that are scanned ahead. */
const AHEAD_MAX = 8

/** Complete lines that are read together. */
interface Block {
  readonly start: number
  readonly end: number
  /** Undefined if no thread scans it. */
  readonly scanned: Promise<ScannedBlock | undefined> | undefined
}

/** Reads the older part of large files backwards, one block of complete lines at a time. */
export class Backfill {
  readonly #journal: Journal
  readonly #pool: ScanPool
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES + SLACK_BYTES)
  readonly #hashes = new TraceHashes()
  /** The next blocks of each file, the newest first. */
  readonly #ahead = new Map<OpenLog, Block[]>()
  /** Files with lines that no thread scans. */
  readonly #unscanned = new WeakSet<OpenLog>()
  /** Files of which a block was read: that shows whether threads help. */
  readonly #begun = new WeakSet<OpenLog>()
  /** Files that threads scan. */
  readonly #threaded = new Set<OpenLog>()
  #isWithinBlock = false

  constructor(journal: Journal, pool: ScanPool) {
    this.#journal = journal
    this.#pool = pool
  }

  /** Whether a part of a block was counted, and the rest was not yet. */
  get isWithinBlock(): boolean {
    return this.#isWithinBlock
  }

  /** Reads one block of the file. Never rejects: reading stops for good if the file cannot be read. */
  async step(source: FileLog, log: OpenLog): Promise<void> {
    try {
      const block = await this.#next(source, log)
      const scanned = await block.scanned
      const hashes = this.#hashes
      hashes.clear()
      const { scanned: scannedBefore } = source.facts
      source.beginOlder(log, block.start)
      this.#isWithinBlock = true
      if (scanned === undefined) await this.#read(source, log, block, hashes)
      else this.#count(source, log, block, scanned, hashes)
      if (!log.isGone) this.#journal.traces.add(log, block.start, block.end, hashes)
      log.unreadBefore = block.start
      const rows = source.facts.scanned - scannedBefore
      if (rows * BYTES_PER_ROW_MAX < block.end - block.start) this.#leave(log)
    } catch {
      log.unreadBefore = log.unreadFrom
    }
    this.#isWithinBlock = false
    if (!log.isBackfilling) this.#forget(log)
  }

  /** Ends the threads. */
  async end(): Promise<void> {
    for (const log of [...this.#ahead.keys()]) this.#forget(log)
    await this.#pool.end()
  }

  /** Returns the next block, and has threads scan those after it. */
  async #next(source: FileLog, log: OpenLog): Promise<Block> {
    const ahead = this.#ahead.get(log) ?? []
    this.#ahead.set(log, ahead)
    const isThreaded = source.isScannable && this.#begun.has(log) && !this.#unscanned.has(log)
    this.#begun.add(log)
    if (isThreaded && this.#pool.start(log.unreadBefore - log.unreadFrom)) this.#threaded.add(log)
    while (ahead.length < AHEAD_MAX) {
      const end = ahead.at(-1)?.start ?? log.unreadBefore
      if (end <= log.unreadFrom) break
      const start =
        end - log.unreadFrom <= BLOCK_BYTES
          ? log.unreadFrom
          : Math.max(log.unreadFrom, await wholeLineStart(log.file, end - BLOCK_BYTES))
      const isSmall = end - start <= SCANNED_BLOCK_BYTES_MAX
      const scanned = isThreaded && isSmall ? this.#pool.scan(log, start, end - start) : undefined
      if (scanned === undefined && ahead.length > 0) break
      ahead.push({ start, end, scanned })
    }
    return ahead.shift() ?? { start: log.unreadFrom, end: log.unreadFrom, scanned: undefined }
  }

  #count(source: FileLog, log: OpenLog, { start, end }: Block, scanned: ScannedBlock, hashes: TraceHashes): void {
    try {
      // A file that was closed or truncated meanwhile is not what was scanned.
      if (log.isGone) return
      source.takeScanned(scanned, end - start, this.#splitter(source, hashes), hashes)
    } finally {
      scanned.release()
    }
  }

  async #read(source: FileLog, log: OpenLog, { start, end }: Block, hashes: TraceHashes): Promise<void> {
    const lines = this.#splitter(source, hashes)
    for (let offset = start; offset < end; ) {
      const { bytesRead } = await log.file.read(this.#buffer, 0, Math.min(CHUNK_BYTES, end - offset), offset)
      if (bytesRead === 0 || log.isGone) break
      offset += bytesRead
      lines.push(this.#buffer.subarray(0, bytesRead))
    }
    lines.flush()
  }

  #splitter(source: FileLog, hashes: TraceHashes): LineSplitter {
    const lines: LineSplitter = new LineSplitter({
      line: (text) => source.takeOlder(text, hashes),
      tooLong: () => source.olderTooLong(),
      lines: (bytes, from, to) => source.takeAllOlder(bytes, from, to, lines, hashes),
    })
    return lines
  }

  #forget(log: OpenLog): void {
    for (const { scanned } of this.#ahead.get(log) ?? []) void scanned?.then((block) => block?.release())
    this.#ahead.delete(log)
    this.#leave(log)
  }

  /** Threads scan no more blocks of a file. Without any file, they end. */
  #leave(log: OpenLog): void {
    this.#unscanned.add(log)
    if (this.#threaded.delete(log) && this.#threaded.size === 0) void this.#pool.end()
  }
}
