import { LineFields } from './line-fields.ts'
import { KEY, type LineKey, LineKeys, SKIPPED } from './line-keys.ts'
import { InstantScanner } from './scan-instant.ts'
import type { ScanNames } from './scan-names.ts'
import { IN_DOUBT, isBareAt, literalEnd, NULL, skippedEnd, stringEnd } from './scan-values.ts'
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
    this.#fields.begin(lines, row)
    let key: LineKey | undefined
    let isText = 0
    let at = start | 0
    for (let count = 0; count < KEYS_PER_LINE_MAX; count += 1) {
      const expected: LineKey | undefined = key === undefined ? this.#keys.first : key.next
      if (
        expected?.lead.isAt(view, at) === true &&
        (expected.isText === 1 || isBareAt(bytes, at + expected.lead.length))
      ) {
        key = expected
        at = (at + key.lead.length) | 0
        isText = key.isText
      } else {
        const lead = at
        at += 1
        if (bytes[at] === SPACE) at += 1
        if (bytes[at] !== QUOTE) return IN_DOUBT
        key = this.#keys.find(bytes, view, at + 1, key)
        if (key === undefined) return IN_DOUBT
        at = (at + key.text.length + 1) | 0
        if (bytes[at] === SPACE) at += 1
        isText = bytes[at] === QUOTE ? 1 : 0
        at = (at + isText) | 0
        key.learnLead(bytes, lead, at, isText)
      }
      if (isText === 1) at = this.#text(bytes, view, at, key, lines, row) | 0
      else if (key.number === SKIPPED) at = skippedEnd(bytes, view, at) | 0
      else at = this.#value(bytes, view, at, key.number, lines, row) | 0
      if (at === IN_DOUBT) return IN_DOUBT
      const next = bytes[at]
      if (next === COMMA) continue
      if (next !== CLOSE || !this.#fields.finish(bytes, view, lines, row)) return IN_DOUBT
      at += 1
      while (bytes[at] === 13 || bytes[at] === SPACE) at += 1
      return at
    }
    return IN_DOUBT
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
