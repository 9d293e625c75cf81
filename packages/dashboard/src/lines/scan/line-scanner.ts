import { LineFields } from './line-fields.ts'
import { KEY, type LineKey, LineKeys, SKIPPED } from './line-keys.ts'
import type { RunPart, Runs } from './line-runs.ts'
import { InstantScanner } from './scan-instant.ts'
import type { ScanNames } from './scan-names.ts'
import { IN_DOUBT, literalEnd, NULL, skippedEnd, stringEnd } from './scan-values.ts'
import { FAILURES_MAX } from './scanned-failures.ts'
import {
  HAS_PARENT,
  HAS_SPAN,
  HAS_TRACE,
  IS_DEGRADED,
  IS_FAILED,
  ROWS_MAX,
  type ScannedLines,
} from './scanned-lines.ts'
import { Literal, SLACK_BYTES } from './words.ts'

const NEWLINE = 10
const QUOTE = 34
const OPEN = 123
const CLOSE = 125
const COMMA = 44
const SPACE = 32
const LETTER_N = 110
const LETTER_T = 116
const KEYS_PER_LINE_MAX = 64
/** `http.request`. */
const REQUEST = new Literal(Buffer.from('http.request"'))
/** After this many lines in doubt, one after the other, the rest of a block is not looked at. */
const DOUBTS_MAX = 256
const LINES_AT_ONCE = 64

/**
 * Reads escudo's request lines from bytes, without making an object or a string of each.
 *
 * It knows only what most lines are like. A line with anything else is in doubt, and is read by `LineReader`: escapes,
 * nested values, a key twice, a number in an odd form. What it does read is equal to what `LineReader` reads.
 */
export class LineScanner {
  readonly #fields = new LineFields()
  readonly #keys = new LineKeys()
  readonly #instants = new InstantScanner()
  #doubts = 0
  /** The key whose value comes next; undefined at the end of a line. */
  #key: LineKey | undefined
  /** 1 if that value is a text. */
  #isText = 0

  /** The names in all rows so far. */
  get names(): ScanNames {
    return this.#fields.names
  }

  /**
   * Scans complete lines between two offsets, and fills the rows.
   *
   * @returns the offset up to which lines were looked at. `ROWS_MAX` rows may not be enough for all
   */
  scan(bytes: Buffer, from: number, to: number, lines: ScannedLines): number {
    lines.count = 0
    lines.failures.count = 0
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const isShort = view.byteLength < to + SLACK_BYTES
    const end = isShort ? bytes.lastIndexOf(NEWLINE, view.byteLength - SLACK_BYTES) : to
    let at = from
    this.#doubts = 0
    while (at < end) {
      const next = this.#some(bytes, view, at, end, lines)
      if (next === at) break
      at = next
    }
    // What is too near to the end of the memory is left to the general reader.
    return isShort && at >= end ? to : Math.min(at, to)
  }

  /** Scans a few lines. A loop over all of them would run in slow code each time, until it is replaced. */
  #some(bytes: Buffer, view: DataView, from: number, to: number, lines: ScannedLines): number {
    let at = from
    for (let left = LINES_AT_ONCE; left > 0 && at < to && hasRoom(lines); left -= 1) {
      const end = this.#line(bytes, view, at, lines)
      if (end !== IN_DOUBT && (end === to || bytes[end] === NEWLINE)) {
        const row = lines.count
        lines.starts[row] = at
        lines.ends[row] = end
        lines.count = row + 1
        const { flags, failure } = this.#fields
        if ((flags & IS_FAILED) !== 0) failure.addTo(lines.failures, flags)
        at = end + 1
        this.#doubts = 0
        continue
      }
      this.#doubts += 1
      const next = this.#doubts === DOUBTS_MAX ? -1 : bytes.indexOf(NEWLINE, at)
      if (next === -1) return to
      at = next + 1
    }
    return at
  }

  /** Scans one line into the next row. Returns where it ends. */
  #line(bytes: Buffer, view: DataView, start: number, lines: ScannedLines): number {
    if (bytes[start] !== OPEN) return IN_DOUBT
    const row = lines.count
    const fields = this.#fields
    fields.begin(lines, row)
    let runs = this.#keys.runs
    let at = start | 0
    this.#key = undefined
    for (let count = 0; count < KEYS_PER_LINE_MAX; count += 1) {
      const run = runs.find(bytes, view, at)
      if (run === undefined) at = this.#newRun(bytes, view, at, runs, lines, row) | 0
      else {
        if (!fields.take(run.fields, at, lines, row)) return IN_DOUBT
        at = (at + run.text.length) | 0
        this.#key = run.key
        this.#isText = run.isText
      }
      if (at === IN_DOUBT) return IN_DOUBT
      const key: LineKey | undefined = this.#key
      if (key === undefined) {
        if (!fields.finish(bytes, view, lines, row)) return IN_DOUBT
        while (bytes[at] === 13 || bytes[at] === SPACE) at += 1
        return at
      }
      at = this.#any(bytes, view, at, key, lines, row) | 0
      if (at === IN_DOUBT) return IN_DOUBT
      runs = key.runs
    }
    return IN_DOUBT
  }

  /**
   * Reads keys and their values up to a value that differs from line to line, or to the end of the line.
   *
   * @returns where that value begins, or the line ends. The key is in `#key`
   */
  #newRun(bytes: Buffer, view: DataView, start: number, runs: Runs<LineKey>, lines: ScannedLines, row: number): number {
    const fields = this.#fields
    const { seen, flags } = fields
    const parts: RunPart<LineKey>[] | undefined = runs.isLearning() ? [] : undefined
    let key: LineKey | undefined = this.#key
    let at = start
    for (let count = 0; count < KEYS_PER_LINE_MAX; count += 1) {
      const isEnd = bytes[at] === CLOSE
      // A line begins with a brace, which was looked at.
      if (!isEnd && bytes[at] !== COMMA && key !== undefined) return IN_DOUBT
      at += 1
      if (isEnd) key = undefined
      else {
        if (bytes[at] === SPACE) at += 1
        if (bytes[at] !== QUOTE) return IN_DOUBT
        key = this.#keys.find(bytes, view, at + 1, key)
        if (key === undefined) return IN_DOUBT
        at += key.text.length + 1
        if (bytes[at] === SPACE) at += 1
        this.#isText = bytes[at] === QUOTE ? 1 : 0
        at += this.#isText
      }
      this.#key = key
      if (key === undefined || key.differs === 1) {
        if (parts !== undefined) {
          const text = new Literal(bytes.subarray(start, at))
          const found = fields.runSince(start, seen, flags, lines, row)
          runs.learn({ fields: found, text, parts, key, isText: this.#isText })
        }
        return at
      }
      const value = at
      at = this.#any(bytes, view, at, key, lines, row)
      if (at === IN_DOUBT) return IN_DOUBT
      parts?.push({ key, value: bytes.toString('latin1', value, at) })
    }
    return IN_DOUBT
  }

  /** Reads any value. Returns where it ends. */
  #any(bytes: Buffer, view: DataView, at: number, key: LineKey, lines: ScannedLines, row: number): number {
    if (this.#isText === 1) return this.#text(bytes, view, at, key, lines, row)
    if (key.number === SKIPPED) return skippedEnd(bytes, view, at)
    return this.#value(bytes, view, at, key.number, lines, row)
  }

  /** Reads the value of a known key that is no text. Returns where it ends. */
  #value(bytes: Buffer, view: DataView, at: number, key: number, lines: ScannedLines, row: number): number {
    if (!this.#fields.isFirst(key)) return IN_DOUBT
    if (key === KEY.status_code || key === KEY.latency_ms || key === KEY.pid) {
      const end = this.#fields.readNumber(bytes, at, key, lines, row)
      if (end !== IN_DOUBT) return end
    }
    const first = bytes[at]
    if (first === LETTER_N) {
      // Null is as good as no value, except for what tells the format, and for an `instance` that hides the host.
      return key === KEY.timestamp || key === KEY.event || key === KEY.instance ? IN_DOUBT : literalEnd(view, at, NULL)
    }
    // What a failed request says about its error is not needed unless it is a text.
    if (key !== KEY.degraded) return key > KEY.odd ? skippedEnd(bytes, view, at) : IN_DOUBT
    if (first === LETTER_T) this.#fields.flags |= IS_DEGRADED
    return skippedEnd(bytes, view, at)
  }

  /** Reads a text whose first byte is at `start`. Returns where it ends. */
  #text(bytes: Buffer, view: DataView, start: number, key: LineKey, lines: ScannedLines, row: number): number {
    const { number } = key
    if (number === SKIPPED) return stringEnd(bytes, view, start)
    if (!this.#fields.isFirst(number)) return IN_DOUBT
    const { failure } = this.#fields
    let at = start
    switch (number) {
      case KEY.timestamp:
        return this.#instants.read(bytes, view, start, lines.ats, row)
      case KEY.event:
        // Its quote is compared too.
        return REQUEST.isAt(view, start) ? start + REQUEST.length : IN_DOUBT
      case KEY.trace_id:
        failure.traceStart = start
        at = this.#fields.readId(bytes, view, start, lines.traces, row, HAS_TRACE)
        failure.traceEnd = at - 1
        return at
      case KEY.span_id:
        failure.spanStart = start
        at = this.#fields.readId(bytes, view, start, lines.spans, row, HAS_SPAN)
        failure.spanEnd = at - 1
        return at
      case KEY.parent_span_id:
        return this.#fields.readId(bytes, view, start, lines.parents, row, HAS_PARENT)
      case KEY.path:
        // It is looked at only if there is no route, or if the request failed.
        at = stringEnd(bytes, view, start)
        failure.pathStart = start
        failure.pathEnd = at - 1
        return at
      case KEY.service:
      case KEY.route:
      case KEY.instance:
      case KEY.hostname:
      case KEY.log_level:
      case KEY.error_code:
        return this.#fields.readName(bytes, view, start, key, lines, row)
      case KEY.error_kind:
        return failure.readKind(bytes, view, start)
      case KEY.detail:
      case KEY.error_message:
      case KEY.message:
      case KEY.msg:
        return failure.readMessage(bytes, view, start, number)
      default:
        return IN_DOUBT
    }
  }
}

function hasRoom({ count, failures }: ScannedLines): boolean {
  return count < ROWS_MAX && failures.count < FAILURES_MAX
}
