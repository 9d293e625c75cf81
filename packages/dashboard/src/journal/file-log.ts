import type { Declared } from '../lines/formats/line-of.ts'
import { LineSplitter } from '../lines/line-splitter.ts'
import type { LogLine } from '../lines/log-line.ts'
import { LineReader, UNDECLARED } from '../lines/reader/line-reader.ts'
import { encodingOf, UNREAD, Unread } from '../lines/reader/unread.ts'
import type { OpenLog } from '../tail/open-log.ts'
import type { TailEnd, TailSink } from '../tail/tail.ts'
import { TraceHashes } from '../traces/trace-hashes.ts'
import { BLOCK_BYTES, type Block } from '../traces/trace-index.ts'
import { FileFacts } from './file-facts.ts'
import { type FileLogState, logsIn, stateOf } from './file-log-state.ts'
import { firstLines } from './first-lines.ts'
import type { Journal } from './journal.ts'
import { LinePlace } from './line-place.ts'
import type { RowSource } from './row-counter.ts'
import type { ScannedBlock } from './scanned-block.ts'
import { serviceOf } from './service-of.ts'
import { takeLine } from './take-line.ts'

/** The most rotated files per path that are kept open to find traces. */
const ROTATED_MAX = 3
/** The bytes from which the units of a file's durations are decided before anything is counted. */
const PROBE_BYTES_MAX = 65_536
const NEWLINE = 10
/** With more, what was read is not written into a file. */
const RELEASED_MAX = 100

/** Counts the lines of one log file. */
export class FileLog implements TailSink {
  readonly path: string
  readonly #journal: Journal
  /** The service of a line that names none. By default it is the file name without its extension. */
  readonly service: string
  readonly #reader: LineReader
  /** Reads older lines, so that their unfinished ones do not mix with the new ones. */
  readonly #olderReader: LineReader
  readonly #tailReader: LineReader
  readonly #lines = new LineSplitter({
    line: (text) => this.#add(text, this.#hashes, true),
    tooLong: () => this.#addTooLong(this.#place),
    lines: (bytes, from, to) => this.#scan(bytes, from, to, this.#lines, this.#hashes, true),
  })
  /** What is known about its lines. */
  readonly facts: FileFacts = new FileFacts()
  #isProbed = false
  #isUnreadable = false
  #log: OpenLog | undefined
  readonly #rotated: OpenLog[] = []
  readonly #released: FileLogState['released'][number][] = []
  #hasRestarted = false
  // The part of the file that is being read. Its hashes are those of the traces in it.
  #blockStart = 0
  #blockEnd = 0
  readonly #hashes = new TraceHashes()
  // Where the lines are that are being read.
  #place: LinePlace | undefined
  #olderPlace: LinePlace | undefined

  constructor(path: string, journal: Journal, declared: Declared = UNDECLARED, service: string = serviceOf(path)) {
    this.path = path
    this.#journal = journal
    this.service = service
    this.#reader = new LineReader(declared)
    this.#olderReader = this.#reader.sibling()
    this.#tailReader = this.#reader.sibling()
  }

  /** What was read so far; undefined if it is in no file any more, or another process could not go on from there. */
  get state(): FileLogState | undefined {
    if (this.#hasRestarted || this.#released.length > RELEASED_MAX) return undefined
    const logs = [...this.#rotated, ...(this.#log === undefined ? [] : [this.#log])]
    if (logs.some(({ isGone, identity }) => isGone || identity === '')) return undefined
    return {
      path: this.path,
      facts: this.facts.state,
      known: this.#reader.known,
      ...{ newer: this.#reader.section, older: this.#olderReader.section, isUnreadable: this.#isUnreadable },
      isProbed: this.#isProbed,
      // What follows the last complete line is read again.
      current: this.#log === undefined ? undefined : stateOf(this.#log, this.#blockEnd),
      rotated: this.#rotated.map((log) => stateOf(log, log.readTo)),
      released: this.#released,
      ...{ blockStart: this.#blockStart, hashes: new Set(this.#hashes.values) },
    }
  }

  /** Takes what an earlier process read, before anything else is read. `logs` are the files by their numbers, open again. */
  restore(state: FileLogState, logs: ReadonlyMap<number, OpenLog>): void {
    this.facts.restore(state.facts)
    this.#reader.restoreKnown(state.known)
    this.#reader.restoreSection(state.newer)
    this.#olderReader.restoreSection(state.older)
    this.#isProbed = state.isProbed
    this.#isUnreadable = state.isUnreadable
    this.#released.push(...state.released)
    this.#rotated.push(...logsIn(logs, state.rotated))
    ;[this.#log] = logsIn(logs, state.current === undefined ? [] : [state.current])
    this.#blockStart = state.blockStart
    this.#blockEnd = state.current?.readTo ?? 0
    for (const hash of state.hashes) this.#hashes.add(hash)
    const from = this.#log?.readTo ?? 0
    // It may have grown by so much that its new lines are read from their end.
    if (from > this.#blockEnd) {
      this.#closeBlock()
      this.#blockStart = from
      this.#blockEnd = from
    }
  }

  /** Reads lines of this file in another order, for example those of a trace. */
  reader(): LineReader {
    return this.#reader.sibling()
  }

  /** How many lines each wrapper, such as `docker` or `cri`, was around. */
  get wrappers(): ReadonlyMap<string, number> {
    return this.#reader.wrappers
  }

  /** The names of durations whose unit is in doubt, each with its number of lines. */
  get doubts(): ReadonlyMap<string, number> {
    return this.#reader.context.judge.doubts
  }

  /** The files whose older lines have not all been read. */
  get backfilling(): readonly OpenLog[] {
    return [...this.#rotated, ...(this.#log === undefined ? [] : [this.#log])].filter((log) => log.isBackfilling)
  }

  begin(log: OpenLog): void {
    this.#lines.reset()
    this.#reader.reset()
    this.#reader.context.writtenAt = log.writtenAt
    this.#isProbed = false
    this.#log = log
    this.#blockStart = log.liveFrom
    this.#blockEnd = log.liveFrom
    this.#hashes.clear()
  }

  push(bytes: Buffer, end: number): void {
    if (!this.#isProbed) this.#probe(bytes)
    if (this.#log !== undefined) this.#place = new LinePlace(this.#log, this.#blockEnd)
    this.#lines.push(bytes)
    this.#blockEnd = end - this.#lines.openBytes
    const length = this.#blockEnd - this.#blockStart
    // A block ends between lines, so that the parts of a line are found together.
    if (length >= BLOCK_BYTES && (!this.#reader.isWithinLine || length >= 2 * BLOCK_BYTES)) this.#closeBlock()
  }

  end(log: OpenLog, how: TailEnd): void {
    if (how === 'restarted') {
      log.isGone = true
      this.#hasRestarted = true
      this.#journal.traces.drop(log)
      return
    }
    this.flush()
    this.#closeBlock()
    if (this.#log === log) this.#log = undefined
    if (how === 'deleted') this.#release(log)
    else this.#rotated.push(log)
    const oldest = this.#rotated.findIndex((rotated) => !rotated.isBackfilling)
    if (this.#rotated.length > ROTATED_MAX && oldest !== -1)
      for (const expired of this.#rotated.splice(oldest, 1)) this.#release(expired)
  }

  /** Treats an unfinished last line as complete. */
  flush(): void {
    this.#blockEnd += this.#lines.openBytes
    this.#lines.flush()
  }

  /** A block of older lines follows, from an offset on. */
  beginOlder(log: OpenLog, start: number): void {
    this.#olderReader.reset()
    this.#olderPlace = new LinePlace(log, start)
  }

  /** Counts an older line and adds the hash of its trace to `hashes`. */
  takeOlder(text: string, hashes: TraceHashes): void {
    this.#add(text, hashes, false)
  }

  /** Counts complete older lines between two offsets, and adds the hashes of their traces. `lines` splits them. */
  takeAllOlder(bytes: Buffer, from: number, to: number, lines: LineSplitter, hashes: TraceHashes): void {
    this.#scan(bytes, from, to, lines, hashes, false)
  }

  /** Counts a block of older lines that a thread scanned. */
  takeScanned(block: ScannedBlock, length: number, lines: LineSplitter, hashes: TraceHashes): void {
    this.#journal.scanner.count(block, length, this.#rowSource(block.bytes, lines, hashes, false))
  }

  /** Whether its lines may be scanned. */
  get isScannable(): boolean {
    return !this.#isUnreadable && this.#reader.isUndeclared
  }

  /** Counts an older line that was too long. */
  olderTooLong(): void {
    this.#addTooLong(this.#olderPlace)
  }

  /** Returns the block being read, if it has lines of this trace. */
  openBlock(hash: number): Block | undefined {
    if (this.#log === undefined || !this.#hashes.has(hash)) return undefined
    return { log: this.#log, start: this.#blockStart, end: this.#blockEnd, filter: undefined }
  }

  /** Returns an open file by its number. */
  openLog(number: number): OpenLog | undefined {
    return [this.#log, ...this.#rotated].find((log) => log !== undefined && log.number === number && !log.isGone)
  }

  /** All open files, the one that grows first. */
  get openLogs(): readonly OpenLog[] {
    return [...(this.#log === undefined ? [] : [this.#log]), ...this.#rotated.toReversed()].filter((log) => !log.isGone)
  }

  /** Whether an open file may grow. */
  isOpen(log: OpenLog): boolean {
    return this.#log === log
  }

  /** Closes all open files. */
  async close(): Promise<void> {
    for (const log of [...this.#rotated.splice(0), this.#log]) await log?.close()
    this.#log = undefined
  }

  #release(log: OpenLog): void {
    this.#released.push({ identity: log.identity, offset: log.readTo, head: log.head })
    log.isGone = true
    this.#journal.traces.drop(log)
    log.close().catch(() => {})
  }

  #closeBlock(): void {
    if (this.#log !== undefined) this.#journal.traces.add(this.#log, this.#blockStart, this.#blockEnd, this.#hashes)
    this.#hashes.clear()
    this.#blockStart = this.#blockEnd
  }

  /** Looks at the first lines, to decide what one line alone does not tell. */
  #probe(bytes: Buffer): void {
    this.#isProbed = true
    this.#isUnreadable = encodingOf(bytes) !== undefined
    // What is read from its end first may begin with what tells the columns of all its lines.
    if (this.#blockStart > 0)
      this.#reader.probe(firstLines(this.#log?.head ?? bytes).filter((line) => line.startsWith('#')))
    const end = bytes.subarray(0, PROBE_BYTES_MAX).lastIndexOf(NEWLINE)
    if (end > 0 && !this.#isUnreadable) this.#reader.probe(firstLines(bytes.subarray(0, end)))
  }

  #scan(bytes: Buffer, from: number, to: number, lines: LineSplitter, hashes: TraceHashes, isLive: boolean): void {
    if (!this.isScannable) lines.split(bytes, from, to)
    else this.#journal.scanner.read(bytes, from, to, this.#rowSource(bytes, lines, hashes, isLive))
  }

  #rowSource(bytes: Buffer, lines: LineSplitter, hashes: TraceHashes, isLive: boolean): RowSource {
    return {
      facts: this.facts,
      service: this.service,
      tailReader: this.#tailReader,
      isLive,
      place: isLive ? this.#place : this.#olderPlace,
      hashes,
      readText: (from, to) => lines.split(bytes, from, to),
    }
  }

  #addTooLong(place: LinePlace | undefined): void {
    place?.next()
    this.facts.addLine(this.#journal.clock())
    this.facts.addUnread('', UNREAD['too-long'])
  }

  #add(text: string, hashes: TraceHashes, isLive: boolean): void {
    const now = this.#journal.clock()
    const place = isLive ? this.#place : this.#olderPlace
    place?.next()
    const { facts } = this
    facts.addLine(now)
    const read = this.#isUnreadable ? UNREAD['utf-16'] : (isLive ? this.#reader : this.#olderReader).read(text)
    if (read instanceof Unread) {
      facts.addUnread(text, read)
      return
    }
    facts.recognised += 1
    const from = { facts, service: this.service, hashes, isLive, place }
    if (!Array.isArray(read)) takeLine(this.#journal, read as LogLine, now, from)
    else
      for (const line of read as readonly LogLine[]) {
        takeLine(this.#journal, line, now, from)
        if (place !== undefined) place.record += 1
      }
  }
}
