import { basename } from 'node:path'
import type { Timeline } from '../counts/timeline.ts'
import { AHEAD_MS_MIN } from '../counts/watch/clock-offset.ts'
import { kindOf } from '../lines/kind.ts'
import { LineSplitter } from '../lines/line-splitter.ts'
import { clipped, integerBetween } from '../lines/log-fields.ts'
import { type LogLine, readLogLine } from '../lines/log-line.ts'
import type { TailSink } from '../tail/file-tail.ts'
import type { OpenLog } from '../tail/open-log.ts'
import { hashOf } from '../traces/trace-filter.ts'
import { BLOCK_BYTES, type Block } from '../traces/trace-index.ts'
import type { Journal } from './journal.ts'
import { addError, addTailLine } from './journal-entries.ts'

/** A line further ahead of the clock counts as untimed: it would push every other line out of the timeline. */
const AHEAD_MS_MAX = 86_400_000
/** The most rotated files per path that are kept open to find traces. */
const ROTATED_MAX = 3
/** The events that are counted by name. */
const COUNTED_EVENTS: ReadonlySet<string> = new Set([
  'retry.attempt',
  'circuit_breaker.rejected',
  'bulkhead.rejected',
  'rate_limiter.rejected',
  'timeout',
  'fallback',
  'hedge',
])

/** The most events that one summary adds: a wrong number must not stop the dashboard. */
const SUMMARISED_MAX = 100_000

/** Counts the lines of one log file. */
export class FileLog implements TailSink {
  readonly #journal: Journal
  readonly #service: string
  readonly #lines = new LineSplitter({
    line: (text) => this.#add(text, this.#hashes, true),
    tooLong: () => this.#addMalformed(),
  })
  // Lines without an `event` field are requests only if no line of the file has that field. They are counted here until
  // a line with the field comes, and then withdrawn.
  #unnamed: Timeline | undefined
  #hasEventFields = false
  #read = 0
  #malformedCount = 0
  #late = 0
  #untimed = 0
  #ahead = 0
  #hasLocalTimes = false
  #log: OpenLog | undefined
  readonly #rotated: OpenLog[] = []
  // The part of the file that is being read. Its hashes are those of the traces in it.
  #blockStart = 0
  #blockEnd = 0
  #hashes = new Set<number>()

  constructor(path: string, journal: Journal) {
    this.#journal = journal
    this.#service = basename(path).replace(/\.[^.]*$/, '')
  }

  /** The requests of this file, if none of its lines has an `event` field. */
  get unnamed(): Timeline | undefined {
    return this.#unnamed
  }

  /** The number of lines that were not blank. */
  get read(): number {
    return this.#read
  }

  /** The number of lines that are not JSON objects or are too long. */
  get malformed(): number {
    return this.#malformedCount
  }

  /** The number of new lines whose time was no longer kept when they arrived. */
  get late(): number {
    return this.#late
  }

  /** The number of lines without a valid time. */
  get untimed(): number {
    return this.#untimed
  }

  /** The number of lines dated ahead of the clock. */
  get ahead(): number {
    return this.#ahead
  }

  /** Whether a line had a time without a zone. */
  get hasLocalTimes(): boolean {
    return this.#hasLocalTimes
  }

  /** The files whose older lines have not all been read. */
  get backfilling(): readonly OpenLog[] {
    return [...this.#rotated, ...(this.#log === undefined ? [] : [this.#log])].filter((log) => log.isBackfilling)
  }

  begin(log: OpenLog): void {
    this.#lines.reset()
    this.#log = log
    this.#blockStart = log.liveFrom
    this.#blockEnd = log.liveFrom
    this.#hashes = new Set()
  }

  push(bytes: Buffer, end: number): void {
    this.#lines.push(bytes)
    this.#blockEnd = end - this.#lines.openBytes
    if (this.#blockEnd - this.#blockStart >= BLOCK_BYTES) this.#closeBlock()
  }

  end(log: OpenLog, how: 'replaced' | 'restarted'): void {
    if (how === 'restarted') {
      log.isGone = true
      this.#journal.traces.drop(log)
      return
    }
    this.flush()
    this.#closeBlock()
    this.#rotated.push(log)
    const oldest = this.#rotated.findIndex((rotated) => !rotated.isBackfilling)
    if (this.#rotated.length > ROTATED_MAX && oldest !== -1)
      for (const expired of this.#rotated.splice(oldest, 1)) this.#release(expired)
  }

  /** Treats an unfinished last line as complete. */
  flush(): void {
    this.#blockEnd += this.#lines.openBytes
    this.#lines.flush()
  }

  /** Counts an older line and adds the hash of its trace to `hashes`. */
  takeOlder(text: string, hashes: Set<number>): void {
    this.#add(text, hashes, false)
  }

  /** Counts an older line that was too long. */
  olderTooLong(): void {
    this.#addMalformed()
  }

  /** Returns the block being read, if it has lines of this trace. */
  openBlock(hash: number): Block | undefined {
    if (this.#log === undefined || !this.#hashes.has(hash)) return undefined
    return { log: this.#log, start: this.#blockStart, end: this.#blockEnd, filter: undefined }
  }

  /** Closes all open files. */
  async close(): Promise<void> {
    for (const log of [...this.#rotated.splice(0), this.#log]) {
      if (log === undefined) continue
      log.isGone = true
      await log.file.close()
    }
    this.#log = undefined
  }

  /** The service of a line that names none: the file name without its extension. */
  get service(): string {
    return this.#service
  }

  #release(log: OpenLog): void {
    log.isGone = true
    this.#journal.traces.drop(log)
    log.file.close().catch(() => {})
  }

  #closeBlock(): void {
    if (this.#log !== undefined) this.#journal.traces.add(this.#log, this.#blockStart, this.#blockEnd, this.#hashes)
    this.#hashes = new Set()
    this.#blockStart = this.#blockEnd
  }

  #addMalformed(): void {
    this.#read += 1
    this.#malformedCount += 1
  }

  #add(text: string, hashes: Set<number>, isLive: boolean): void {
    const line = readLogLine(text)
    if (line === undefined) {
      this.#addMalformed()
      return
    }
    this.#read += 1
    const traceHash = line.traceId === undefined ? undefined : hashOf(line.traceId)
    if (traceHash !== undefined) hashes.add(traceHash)
    this.#hasLocalTimes ||= line.isLocalTime
    if (line.event !== undefined && !this.#hasEventFields) {
      this.#hasEventFields = true
      if (this.#unnamed !== undefined) this.#journal.withdraw()
      this.#unnamed = undefined
    }
    const clockMs = this.#journal.clock()
    const at = line.at !== undefined && line.at <= clockMs + AHEAD_MS_MAX ? line.at : undefined
    if (at === undefined) this.#untimed += 1
    else if (at > clockMs + AHEAD_MS_MIN) this.#ahead += 1
    const kept = this.#count(line, at, clockMs)
    if (isLive && at !== undefined && kept === false) this.#late += 1
    const service = line.service ?? this.#service
    const isRequest = line.event === 'http.request' || (line.event === undefined && kept !== undefined)
    if (at !== undefined) this.#journal.services.add(line, service, at, clockMs, isLive, isRequest, traceHash)
    addError(this.#journal, line, service, at)
    addTailLine(this.#journal, line, service, at)
  }

  /** Counts the line. Returns whether its time is kept; undefined if there was nothing to count. */
  #count(line: LogLine, at: number | undefined, clockMs: number): boolean | undefined {
    const { cells, named, breakers } = this.#journal
    const service = line.service ?? this.#service
    if (line.event === undefined) {
      if (this.#hasEventFields || line.status === undefined || line.latencyMs === undefined) return undefined
      this.#unnamed ??= this.#journal.timeline()
      return this.#unnamed.add(at, requestCell(this.#journal, line, service), line.latencyMs, clockMs)
    }
    if (line.event === 'http.request')
      return named.add(at, requestCell(this.#journal, line, service), line.latencyMs, clockMs)
    if (COUNTED_EVENTS.has(line.event)) return named.add(at, cells.event(service, line.event), undefined, clockMs)
    if (line.event === 'policy.summary') return this.#countSummary(line, at, clockMs)
    if (line.event !== 'circuit_breaker.state_change' || at === undefined) return undefined
    const { fields } = line
    breakers.add(service, fields.short(100, 'shield') ?? '', fields.short(100, 'policy') ?? 'circuitBreaker', {
      at,
      from: fields.short(20, 'from') ?? '',
      to: fields.short(20, 'to') ?? '',
      traceId: fields.short(100, 'trace_id'),
      process: line.instance === undefined ? undefined : clipped(line.instance, 200),
    })
    return undefined
  }

  /** Counts the events that a shield did not log one by one. */
  #countSummary(line: LogLine, at: number | undefined, clockMs: number): boolean | undefined {
    const { cells, named } = this.#journal
    let kept: boolean | undefined
    for (const event of COUNTED_EVENTS) {
      const count = integerBetween(line.fields.nested('counts', event), 1, SUMMARISED_MAX) ?? 0
      const cell = count === 0 ? 0 : cells.event(line.service ?? this.#service, event)
      for (let added = 0; added < count; added += 1) kept = named.add(at, cell, undefined, clockMs)
    }
    return kept
  }
}

function requestCell({ cells }: Journal, line: LogLine, service: string): number {
  if (line.status === undefined || line.status < 400) return cells.succeeded(service, line.status)
  return cells.request(service, line.status, line.fields.short(100, 'error_code', 'code'), kindOf(line))
}
