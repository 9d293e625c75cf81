import { addToHash, finishHash, HASH_START } from '../../traces/trace-filter.ts'
import type { Name } from './byte-names.ts'
import { KEY, type LineKey, LineKeys, SKIPPED } from './line-keys.ts'
import { InstantScanner } from './scan-instant.ts'
import { ScanNames } from './scan-names.ts'
import { IN_DOUBT, literalEnd, NULL, NumberScanner, skippedEnd } from './scan-values.ts'
import {
  HAS_PARENT,
  HAS_SPAN,
  HAS_TRACE,
  IS_CRITICAL,
  IS_DEGRADED,
  IS_PROBE,
  ROWS_MAX,
  type ScannedLines,
} from './scanned-lines.ts'
import { endsAscii, Literal, SLACK_BYTES } from './words.ts'

const NEWLINE = 10
const QUOTE = 34
const OPEN = 123
const CLOSE = 125
const COMMA = 44
const SPACE = 32
const LETTER_N = 110
const LETTER_T = 116
const DASH = 45
const KEYS_PER_LINE_MAX = 64
/** `http.request`. */
const REQUEST = new Literal(Buffer.from('http.request"'))
/** After this many lines in doubt, one after the other, the rest of a block is not looked at. */
const DOUBTS_MAX = 256

/**
 * Reads escudo's request lines from bytes, without making an object or a string of each.
 *
 * It knows only what most lines are like. A line with anything else is in doubt, and is read by `LineReader`: escapes,
 * nested values, a key twice, a number in an odd form, a failed request. What it does read is equal to what `LineReader`
 * reads.
 */
export class LineScanner {
  readonly names = new ScanNames()
  readonly #keys = new LineKeys()
  readonly #numbers = new NumberScanner()
  readonly #instants = new InstantScanner()
  // Of the line that is being scanned.
  #seen = 0
  #flags = 0
  #event = false
  #instance = 0
  #host = 0
  #pid = -1
  #routeNumber = 0
  readonly #name: Name = { start: 0, end: 0, hash: 0, rest: 0 }
  readonly #path: Name = { start: 0, end: 0, hash: 0, rest: 0 }

  /**
   * Scans complete lines between two offsets, and fills the rows.
   *
   * @returns the offset up to which lines were looked at. `ROWS_MAX` rows may not be enough for all
   */
  scan(bytes: Buffer, from: number, to: number, lines: ScannedLines): number {
    lines.count = 0
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const isShort = view.byteLength < to + SLACK_BYTES
    const end = isShort ? bytes.lastIndexOf(NEWLINE, view.byteLength - SLACK_BYTES) : to
    const scanned = end <= from ? from : this.#lines(bytes, view, from, end, lines)
    // What is too near to the end of the memory is left to the general reader.
    return isShort && scanned >= end ? to : scanned
  }

  #lines(bytes: Buffer, view: DataView, from: number, to: number, lines: ScannedLines): number {
    let at = from
    let doubts = 0
    while (at < to && lines.count < ROWS_MAX) {
      const end = this.#line(bytes, view, at, lines)
      if (end !== IN_DOUBT && (end === to || bytes[end] === NEWLINE)) {
        lines.starts[lines.count] = at
        lines.ends[lines.count] = end
        lines.count += 1
        at = end + 1
        doubts = 0
        continue
      }
      doubts += 1
      if (doubts === DOUBTS_MAX) return to
      const next = bytes.indexOf(NEWLINE, at)
      if (next === -1) return to
      at = next + 1
    }
    return Math.min(at, to)
  }

  /** Scans one line into the next row. Returns where it ends. */
  #line(bytes: Buffer, view: DataView, start: number, lines: ScannedLines): number {
    if (bytes[start] !== OPEN) return IN_DOUBT
    const row = lines.count
    lines.latencies[row] = Number.NaN
    lines.services[row] = 0
    lines.statuses[row] = 0
    this.#seen = 0
    this.#flags = 0
    this.#event = false
    this.#instance = 0
    this.#host = 0
    this.#pid = -1
    this.#routeNumber = 0
    this.#path.end = 0
    let key: LineKey | undefined
    let at = start + 1
    for (let count = 0; count < KEYS_PER_LINE_MAX; count += 1) {
      if (bytes[at] !== QUOTE) return IN_DOUBT
      key = this.#keys.find(bytes, view, at + 1, key)
      if (key === undefined) return IN_DOUBT
      at += key.text.length + 1
      if (bytes[at] === SPACE) at += 1
      at = key.number === SKIPPED ? skippedEnd(bytes, view, at) : this.#value(bytes, view, at, key.number, lines, row)
      if (at === IN_DOUBT) return IN_DOUBT
      const next = bytes[at]
      at += 1
      if (next === COMMA) {
        if (bytes[at] === SPACE) at += 1
      } else if (next === CLOSE) {
        if (!this.#isComplete(bytes, view, lines, row)) return IN_DOUBT
        while (bytes[at] === 13 || bytes[at] === SPACE) at += 1
        return at
      } else return IN_DOUBT
    }
    return IN_DOUBT
  }

  /** Reads the value of a known key. Returns where it ends. */
  #value(bytes: Buffer, view: DataView, at: number, key: number, lines: ScannedLines, row: number): number {
    const bit = 1 << key
    if ((this.#seen & bit) !== 0 || key === KEY.odd) return IN_DOUBT
    this.#seen |= bit
    const first = bytes[at]
    if (first === LETTER_N) {
      // Null is as good as no value, except for what tells the format, and for an `instance` that hides the host.
      return key === KEY.timestamp || key === KEY.event || key === KEY.instance ? IN_DOUBT : literalEnd(view, at, NULL)
    }
    if (key === KEY.status_code || key === KEY.latency_ms || key === KEY.pid)
      return this.#number(bytes, at, key, lines, row)
    if (key === KEY.degraded) {
      if (first === LETTER_T) this.#flags |= IS_DEGRADED
      return first === QUOTE ? IN_DOUBT : skippedEnd(bytes, view, at)
    }
    if (first !== QUOTE) return IN_DOUBT
    if (key === KEY.timestamp) return this.#instants.read(bytes, view, at + 1, lines.ats, row)
    return this.#text(bytes, view, at + 1, key, lines, row)
  }

  #number(bytes: Buffer, at: number, key: number, lines: ScannedLines, row: number): number {
    const end = this.#numbers.read(bytes, at)
    if (end === IN_DOUBT) return IN_DOUBT
    const { value } = this.#numbers
    if (key === KEY.latency_ms) lines.latencies[row] = value
    else if (key === KEY.pid) {
      if (value > 0xffff_ffff || !Number.isInteger(value)) return IN_DOUBT
      this.#pid = value
    } else {
      // Failed requests have more in their lines than is counted here.
      if (value < 100 || value >= 400 || !Number.isInteger(value)) return IN_DOUBT
      lines.statuses[row] = value
    }
    return end
  }

  #text(bytes: Buffer, view: DataView, start: number, key: number, lines: ScannedLines, row: number): number {
    if (key === KEY.event) {
      // Its quote is compared too.
      this.#event = REQUEST.isAt(view, start)
      return this.#event ? start + REQUEST.length : IN_DOUBT
    }
    let end = start
    let hash = HASH_START
    for (let word = view.getInt32(end, true); endsAscii(word) === 0; word = view.getInt32(end, true)) {
      hash = addToHash(hash, word)
      end += 4
    }
    let rest = 0
    for (let byte = bytes[end] ?? 0, shift = 0; byte !== QUOTE; byte = bytes[end] ?? 0, shift += 8) {
      if (byte < 32 || byte > 126 || byte === 92) return IN_DOUBT
      rest |= byte << shift
      end += 1
    }
    hash = finishHash(hash, rest, end - start)
    // An empty text is no value.
    if (end === start) return key === KEY.instance ? IN_DOUBT : end + 1
    switch (key) {
      case KEY.trace_id:
        if (isDash(bytes, start, end)) break
        lines.traces[row] = hash
        this.#flags |= HAS_TRACE
        break
      case KEY.span_id:
        if (isDash(bytes, start, end)) break
        lines.spans[row] = hash
        this.#flags |= HAS_SPAN
        break
      case KEY.parent_span_id:
        if (isDash(bytes, start, end)) break
        lines.parents[row] = hash
        this.#flags |= HAS_PARENT
        break
      case KEY.path:
        this.#path.start = start
        this.#path.end = end
        this.#path.hash = hash
        this.#path.rest = rest
        break
      default:
        this.#name.start = start
        this.#name.end = end
        this.#name.hash = hash
        this.#name.rest = rest
        if (!this.#named(bytes, view, key, lines, row)) return IN_DOUBT
    }
    return end + 1
  }

  /** Returns whether there is a number for the name. */
  #named(bytes: Buffer, view: DataView, key: number, lines: ScannedLines, row: number): boolean {
    const { names } = this
    switch (key) {
      case KEY.service: {
        const number = names.service(bytes, view, this.#name)
        lines.services[row] = number
        return number !== 0
      }
      case KEY.route:
        this.#routeNumber = names.route(bytes, view, this.#name)
        return this.#routeNumber !== 0
      case KEY.instance:
        this.#instance = names.instanceText(bytes, view, this.#name)
        return this.#instance !== 0
      case KEY.hostname:
        this.#host = names.instanceText(bytes, view, this.#name)
        return this.#host !== 0
      default: {
        const isCritical = names.isCritical(bytes, view, this.#name)
        if (isCritical === true) this.#flags |= IS_CRITICAL
        return isCritical !== undefined
      }
    }
  }

  /** Whether the line has all that makes it a request in escudo's format. Fills the rest of its row. */
  #isComplete(bytes: Buffer, view: DataView, lines: ScannedLines, row: number): boolean {
    if (!this.#event || (this.#seen & (1 << KEY.timestamp)) === 0 || lines.statuses[row] === 0) return false
    let route = this.#routeNumber
    if (route === 0 && this.#path.end !== 0) {
      route = this.names.path(bytes, view, this.#path)
      if (route === 0) return false
    }
    let instance = 0
    if (this.#pid !== -1 || this.#instance !== 0) {
      instance = this.names.instance(this.#instance, this.#host, this.#pid)
      if (instance === 0) return false
    }
    lines.routes[row] = Math.abs(route)
    lines.instances[row] = instance
    lines.flags[row] = route < 0 ? this.#flags | IS_PROBE : this.#flags
    return true
  }
}

function isDash(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 1 && bytes[start] === DASH
}
