import type { FileLog } from '../journal/file-log.ts'
import type { LineRef } from '../journal/line-place.ts'
import { LINE_BYTES_MAX } from '../lines/line-splitter.ts'
import type { LogLine } from '../lines/log-line.ts'
import { LineReader, linesIn } from '../lines/reader/line-reader.ts'
import { wholeLineStart } from '../tail/line-start.ts'
import type { OpenLog } from '../tail/open-log.ts'
import { BlockReader, type LineBlock } from './block-reader.ts'
import { matches } from './matches.ts'
import { Needles } from './needles.ts'
import { boundsOf, type Term } from './query.ts'
import { type SearchLine, searchLineOf, subjectOf } from './search-line.ts'
import type { TimeSlice } from './time-slice.ts'

/** Lines may be later or earlier than their neighbours by this much. Beyond it, times decide what is not read. */
const DISORDER_MS = 3_600_000
/** How many lines are read to find the time of a block. */
const TIMED_LINES_MAX = 16
const PEEK_BYTES = 8_192

/** A position in a file: what is before an offset, and of the line that ends there only the records before `record`. */
export interface Position {
  readonly before: number
  readonly record: number | undefined
}

interface Hit {
  readonly at: number | undefined
  readonly start: number
  readonly end: number
  readonly record: number
  readonly line: SearchLine
}

/** Searches one file backwards. */
export class LogScan {
  readonly log: OpenLog
  readonly #source: FileLog
  readonly #terms: readonly Term[]
  readonly #needles: Needles | undefined
  readonly #bounds: { readonly from: number; readonly to: number }
  /** Whether its lines may be parts of lines. They are read forward, with what came before. */
  readonly #isJoined: boolean
  readonly #sibling: LineReader
  #position: Position
  #blockBytes = 0
  /** The next hit is the last one. */
  readonly #hits: Hit[] = []
  /** The time of what is next: of a hit, or of the lines that are not read yet. */
  newest: number = Number.POSITIVE_INFINITY

  /** Whether a service may still be writing the last line. */
  mayGrow: boolean = false

  constructor(source: FileLog, log: OpenLog, terms: readonly Term[], position: Position) {
    this.log = log
    this.#source = source
    this.#terms = terms
    this.#needles = Needles.of(terms, source.service)
    this.#bounds = boundsOf(terms)
    this.#sibling = source.reader()
    this.#isJoined = this.#sibling.mayBeSplit
    this.#position = position
  }

  /** Whether a hit is there. */
  get hasHit(): boolean {
    return this.#hits.length > 0
  }

  /** Whether everything was read and taken. */
  get isDone(): boolean {
    return this.#hits.length === 0 && this.#position.before === 0
  }

  /** The bytes that are not read yet. */
  get bytesLeft(): number {
    return this.#position.before
  }

  /** Where a later search continues. */
  get position(): Position {
    const next = this.#hits.at(-1)
    return next === undefined ? this.#position : { before: next.end, record: next.record + 1 }
  }

  /** Takes the next hit. */
  take(): SearchLine | undefined {
    const hit = this.#hits.pop()
    this.newest = this.#hits.at(-1)?.at ?? hit?.at ?? this.newest
    return hit?.line
  }

  /** Ends it: the file is gone. */
  end(): void {
    this.#hits.length = 0
    this.#position = { before: 0, record: undefined }
  }

  /** Looks at the time of the last lines, so that the file with the newest lines is searched first. */
  async peek(blocks: BlockReader): Promise<void> {
    if (this.mayGrow)
      this.#position = { before: await wholeLineStart(this.log.file, this.#position.before), record: undefined }
    const { bytes } = await blocks.read(this.log, this.#position.before, PEEK_BYTES, false)
    const lines = bytes.toString('utf8').split('\n').reverse().slice(0, TIMED_LINES_MAX)
    this.newest = this.#timeOf(lines) ?? this.newest
  }

  /** Searches the next block for at most `wanted` hits. */
  async scan(blocks: BlockReader, wanted: number, slice: TimeSlice): Promise<void> {
    this.#blockBytes = BlockReader.nextSize(this.#blockBytes)
    const { before } = this.#position
    const block = await blocks.read(this.log, before, this.#blockBytes, this.#isJoined)
    const oldest = this.#timeOf(firstLines(block.bytes))
    const isTooNew = oldest !== undefined && oldest > this.#bounds.to + DISORDER_MS
    const stopped = isTooNew ? undefined : await this.#search(block, wanted, slice)
    this.#position = { before: stopped ?? block.start, record: undefined }
    const isTooOld = oldest !== undefined && oldest < this.#bounds.from - DISORDER_MS
    if (isTooOld && stopped === undefined) this.#position = { before: 0, record: undefined }
    this.newest = this.#hits.at(-1)?.at ?? oldest ?? this.newest
  }

  /** Returns the offset before which the block is not searched, if it was left early. */
  async #search(block: LineBlock, wanted: number, slice: TimeSlice): Promise<number | undefined> {
    const text = block.bytes.toString('latin1')
    if (this.#isJoined) return await this.#searchForward(block, text, wanted, slice)
    const found: Hit[] = []
    let stopped: number | undefined
    const candidates = this.#needles?.linesIn(text)
    let end = text.endsWith('\n') ? text.length - 1 : text.length
    let next = (candidates?.length ?? 0) - 2
    for (let count = 1; ; count += 1) {
      let start: number
      if (candidates === undefined) {
        if (end < 0) break
        start = end === 0 ? 0 : text.lastIndexOf('\n', end - 1) + 1
      } else {
        if (next < 0) break
        start = candidates[next] ?? 0
        end = candidates[next + 1] ?? 0
        next -= 2
      }
      this.#read(block, start, end, found)
      end = start - 1
      if (found.length >= wanted) {
        stopped = block.start + start
        break
      }
      if (count % 16 === 0 && slice.isOver) await slice.next()
    }
    this.#hits.push(...found.reverse())
    return stopped
  }

  #read(block: LineBlock, start: number, end: number, found: Hit[]): void {
    const { context } = this.#sibling
    const line = cleanLine(block, start, end)
    // A directive would change the columns of the lines that are read live.
    if (line === undefined || (line.startsWith('#') && context.w3c !== undefined)) return
    // Read alone: in this order, what a reader remembers of other lines would be wrong.
    const reader = new LineReader(context.declared, this.#sibling, new Map())
    const place: LineRef = [this.log.number, block.start + start, 0, 0]
    this.#addHits(readUncounted(reader, line), place, block.start + end + 1, found)
  }

  async #searchForward(block: LineBlock, text: string, wanted: number, slice: TimeSlice): Promise<number | undefined> {
    const { context } = this.#sibling
    const reader = new LineReader(context.declared, this.#sibling, new Map())
    const perLine: Hit[][] = []
    let first: number | undefined
    let lines = 0
    for (let start = 0, count = 1; start < text.length; count += 1) {
      const next = text.indexOf('\n', start)
      const end = next === -1 ? text.length : next
      const line = cleanLine(block, start, end)
      if (line !== undefined) {
        first ??= start
        const found: Hit[] = []
        const place: LineRef = [this.log.number, block.start + first, lines, 0]
        this.#addHits(readUncounted(reader, line), place, block.start + end + 1, found)
        if (found.length > 0) perLine.push(found)
        lines = reader.isWithinLine ? lines + 1 : 0
        if (!reader.isWithinLine) first = undefined
      }
      start = end + 1
      if (count % 16 === 0 && slice.isOver) await slice.next()
    }
    const kept: Hit[] = []
    let stopped: number | undefined
    while (perLine.length > 0) {
      kept.push(...(perLine.pop() ?? []))
      if (kept.length < wanted || perLine.length === 0) continue
      stopped = perLine.at(-1)?.[0]?.end
      break
    }
    this.#hits.push(...kept.reverse())
    return stopped
  }

  /** Adds the hits of a line, its last record first. */
  #addHits(read: readonly LogLine[], place: LineRef, end: number, found: Hit[]): void {
    const { before, record: recordsMax = Number.POSITIVE_INFINITY } = this.#position
    for (let record = read.length - 1; record >= 0; record -= 1) {
      const line = read[record]
      if (line === undefined || (end >= before && record >= recordsMax)) continue
      const service = line.service ?? this.#source.service
      if (!matches(subjectOf(line, service), this.#terms)) continue
      const [log, offset, lines] = place
      const sent = searchLineOf(line, service, this.log.path, [log, offset, lines, record])
      found.push({ at: line.at, start: offset, end, record, line: sent })
    }
  }

  #timeOf(lines: readonly string[]): number | undefined {
    for (const text of lines) {
      if (text.trim() === '' || text.startsWith('#')) continue
      const [line] = readUncounted(new LineReader(this.#sibling.context.declared, this.#sibling, new Map()), text)
      if (line?.at !== undefined) return line.at
    }
    return undefined
  }
}

/** Reads a line without counting it as one of the file. */
function readUncounted(reader: LineReader, text: string): readonly LogLine[] {
  let lines: readonly LogLine[] = []
  reader.context.judge.learn(() => {
    lines = linesIn(reader.read(text))
  })
  return lines
}

/** Returns a line as the splitter of live lines does; undefined if it is blank or too long. */
function cleanLine({ start: offset, bytes }: LineBlock, start: number, end: number): string | undefined {
  let from = start
  while (from < end && bytes[from] === 0) from += 1
  if (end - from > LINE_BYTES_MAX) return undefined
  const text = bytes.toString('utf8', from, end)
  const line = offset + start === 0 && text.startsWith('\uFEFF') ? text.slice(1) : text
  return line.trim() === '' ? undefined : line
}

function firstLines(bytes: Buffer): readonly string[] {
  return bytes.subarray(0, PEEK_BYTES).toString('utf8').split('\n', TIMED_LINES_MAX)
}
