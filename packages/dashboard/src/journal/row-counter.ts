import { AHEAD_MS_MIN } from '../counts/watch/clock-offset.ts'
import type { LineReader } from '../lines/reader/line-reader.ts'
import { HAS_TRACE, IS_FAILED, ROWS_MAX, type ScannedLines } from '../lines/scan/scanned-lines.ts'
import type { TraceHashes } from '../traces/trace-hashes.ts'
import { FailedRows, kindOfRow } from './failed-row.ts'
import type { FileFacts } from './file-facts.ts'
import type { LinePlace } from './line-place.ts'
import type { LineBytes } from './live-tail.ts'
import type { RowJournal } from './row-journal.ts'
import type { RowNames } from './row-names.ts'

/** The most lines of a block that can be among the newest ones: as many as the tail has. */
const TAIL_MAX = 300
const COPIED_BYTES_MAX = 262_144
const ROWS_AT_ONCE = 64

/** The file whose rows are counted. */
export interface RowSource {
  readonly facts: FileFacts
  /** The service of lines that name none. */
  readonly service: string
  /** Reads lines that are shown in the tail. */
  readonly tailReader: LineReader
  readonly isLive: boolean
  readonly place: LinePlace | undefined
  /** The hashes of traces. */
  readonly hashes: TraceHashes
  /** Reads the lines between two offsets that were not scanned. */
  readonly readText: (from: number, to: number) => void
}

/** Counts the rows of scanned lines in a journal: to the same effect as if each line was read and counted. */
export class RowCounter {
  readonly #journal: RowJournal
  readonly #failed: FailedRows
  readonly #shownAts = new Float64Array(ROWS_MAX)
  // Of the rows that may be among the newest lines.
  readonly #ids = new Float64Array(ROWS_MAX)
  readonly #places = new Int32Array(ROWS_MAX)
  readonly #newest = new Uint16Array(ROWS_MAX)
  #lastTrace: number | undefined
  /** The failure of the last failed row. */
  #failure = -1
  /** Where the next line begins. */
  #next = 0
  #rows = 0
  /** How many rows may be among the newest lines. */
  #shown = 0

  constructor(journal: RowJournal) {
    this.#journal = journal
    this.#failed = new FailedRows(journal)
  }

  /** Counts the rows of a block in order, and passes the lines between them to `readText`. */
  count(lines: ScannedLines, names: RowNames, bytes: Buffer, from: number, to: number, source: RowSource): void {
    const now = this.#journal.clock()
    this.#lastTrace = undefined
    this.#failure = -1
    this.#next = from
    this.#rows = 0
    this.#shown = 0
    // A few at a time: a loop over all of them would run in slow code each time, until it is replaced.
    for (let row = 0; row < lines.count; row += ROWS_AT_ONCE)
      this.#some(lines, row, Math.min(row + ROWS_AT_ONCE, lines.count), names, bytes, now, source)
    this.#failed.end()
    if (this.#next < to) source.readText(this.#next, to)
    const rows = this.#rows
    if (rows === 0) return
    source.facts.addLine(now, rows)
    source.facts.addFormat('escudo', rows)
    source.facts.scanned += rows
    source.facts.recognised += rows
    source.facts.requests += rows
    this.#addNewest(lines, names, bytes, this.#shown, source)
  }

  #some(
    lines: ScannedLines,
    from: number,
    to: number,
    names: RowNames,
    bytes: Buffer,
    now: number,
    source: RowSource,
  ): void {
    const { liveTail } = this.#journal
    for (let row = from; row < to; row += 1) {
      const start = lines.starts[row] ?? 0
      if (((lines.flags[row] ?? 0) & IS_FAILED) !== 0) this.#failure += 1
      // What is ahead may move what was counted. It is rare.
      if ((lines.ats[row] ?? 0) > now + AHEAD_MS_MIN) continue
      if (start > this.#next) source.readText(this.#next, start - 1)
      this.#next = (lines.ends[row] ?? 0) + 1
      if (this.#rows === 0) source.tailReader.context.hasRequestEvents = true
      this.#rows += 1
      source.place?.next()
      this.#add(lines, row, names, now, source, bytes)
      if (!liveTail.accepts(this.#shownAts[row] ?? 0, now)) continue
      this.#ids[row] = liveTail.nextId()
      this.#places[row] = source.place?.line ?? 0
      this.#newest[this.#shown] = row
      this.#shown += 1
    }
  }

  /** Counts one row, and notes the time at which it is shown. */
  #add(lines: ScannedLines, row: number, names: RowNames, now: number, source: RowSource, bytes: Buffer): void {
    const { services, named } = this.#journal
    const { service: own, isLive, facts, hashes } = source
    const at = lines.ats[row] ?? 0
    const service = lines.services[row] ?? 0
    if (((lines.flags[row] ?? 0) & HAS_TRACE) !== 0) {
      const trace = lines.traces[row] ?? 0
      // The lines of a trace often follow one another.
      if (trace !== this.#lastTrace) hashes.add(trace)
      this.#lastTrace = trace
    }
    const watch = names.watch(service, own)
    const shownAts = this.#shownAts
    shownAts[row] = watch.shift.shown(at, now, isLive)
    const isFailed = ((lines.flags[row] ?? 0) & IS_FAILED) !== 0
    const kind = isFailed ? kindOfRow(lines, row, this.#failure) : undefined
    const code = isFailed ? (lines.failures.codes[this.#failure] ?? 0) : 0
    const cell = names.cell(service, own, lines.routes[row] ?? 0, lines.statuses[row] ?? 0, code, kind)
    const kept = named.addRow(shownAts, lines.latencies, row, cell, lines.buckets[row] ?? 0, now)
    if (isLive && !kept) facts.late += 1
    const instance = names.instance(lines.instances[row] ?? 0)
    services.addRow(watch, lines, row, shownAts, now, isLive, instance, cell)
    if (kind !== undefined) {
      const name = names.service(service, own)
      this.#failed.add(lines, row, this.#failure, names, bytes, name, kind, shownAts[row] ?? 0, now, source.place)
    }
  }

  /** Copies the lines that may be shown in the tail: the bytes belong to the reader. */
  #addNewest(lines: ScannedLines, names: RowNames, bytes: Buffer, count: number, source: RowSource): void {
    const rows = this.#newest.subarray(0, count)
    const ats = this.#shownAts
    if (count > TAIL_MAX && !isOrdered(rows, ats)) rows.sort((a, b) => (ats[a] ?? 0) - (ats[b] ?? 0) || a - b)
    const kept = rows.slice(-TAIL_MAX).sort()
    const first = lines.starts[kept[0] ?? 0] ?? 0
    const length = (lines.ends[kept.at(-1) ?? 0] ?? 0) - first
    // One copy for all is faster than one for each, if there is not much between them.
    const all = length <= COPIED_BYTES_MAX ? Buffer.from(bytes.subarray(first, first + length)) : undefined
    for (const row of kept) {
      const start = lines.starts[row] ?? 0
      const end = lines.ends[row] ?? 0
      const line: LineBytes =
        all === undefined
          ? { bytes: Buffer.from(bytes.subarray(start, end)), start: 0, end: end - start }
          : { bytes: all, start: start - first, end: end - first }
      const service = names.service(lines.services[row] ?? 0, source.service)
      const ref = source.place?.refOf(this.#places[row] ?? 0)
      this.#journal.liveTail.addBytes(this.#ids[row] ?? 0, ats[row] ?? 0, line, service, ref, source.tailReader)
    }
  }
}

function isOrdered(rows: Uint16Array, ats: Float64Array): boolean {
  let before = Number.NEGATIVE_INFINITY
  for (const row of rows) {
    const at = ats[row] ?? 0
    if (at < before) return false
    before = at
  }
  return true
}
