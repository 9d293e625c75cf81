import type { Name } from './byte-names.ts'
import { FailureTexts } from './failure-texts.ts'
import { KEY, type LineKey, LineKeys, SKIPPED } from './line-keys.ts'
import { InstantScanner } from './scan-instant.ts'
import { ScanNames } from './scan-names.ts'
import { TextScanner } from './scan-text.ts'
import { IN_DOUBT, isBareAt, literalEnd, NULL, NumberScanner, skippedEnd, stringEnd } from './scan-values.ts'
import { FAILURES_MAX } from './scanned-failures.ts'
import {
  HAS_PARENT,
  HAS_SPAN,
  HAS_TRACE,
  IS_CRITICAL,
  IS_DEGRADED,
  IS_FAILED,
  IS_PROBE,
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
const DASH = 45
const KEYS_PER_LINE_MAX = 64
/** The keys that a request has. An event is one only if it is {@link REQUEST}. */
const NEEDED = (1 << KEY.timestamp) | (1 << KEY.event)
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
  readonly names = new ScanNames()
  readonly #keys = new LineKeys()
  readonly #numbers = new NumberScanner()
  readonly #instants = new InstantScanner()
  readonly #texts = new TextScanner()
  // Of the line that is being scanned.
  #seen = 0
  #flags = 0
  #doubts = 0
  #instance = 0
  #host = 0
  #pid = -1
  #routeNumber = 0
  readonly #failure = new FailureTexts()

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
        if (((lines.flags[row] ?? 0) & IS_FAILED) !== 0) this.#failure.addTo(lines.failures, lines.flags[row] ?? 0)
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
    lines.latencies[row] = Number.NaN
    lines.services[row] = 0
    lines.statuses[row] = 0
    this.#seen = 0
    this.#flags = 0
    this.#instance = 0
    this.#host = 0
    this.#pid = -1
    this.#routeNumber = 0
    this.#failure.clear()
    let key: LineKey | undefined
    let isText = false
    let at = start
    for (let count = 0; count < KEYS_PER_LINE_MAX; count += 1) {
      const expected: LineKey | undefined = key === undefined ? this.#keys.first : key.next
      if (expected?.lead.isAt(view, at) === true && (expected.isText || isBareAt(bytes, at + expected.lead.length))) {
        key = expected
        at += key.lead.length
        isText = key.isText
      } else {
        const lead = at
        at += 1
        if (bytes[at] === SPACE) at += 1
        if (bytes[at] !== QUOTE) return IN_DOUBT
        key = this.#keys.find(bytes, view, at + 1, key)
        if (key === undefined) return IN_DOUBT
        at += key.text.length + 1
        if (bytes[at] === SPACE) at += 1
        isText = bytes[at] === QUOTE
        if (isText) at += 1
        key.learnLead(bytes, lead, at, isText)
      }
      if (isText) at = this.#text(bytes, view, at, key, lines, row)
      else if (key.number === SKIPPED) at = skippedEnd(bytes, view, at)
      else at = this.#value(bytes, view, at, key.number, lines, row)
      if (at === IN_DOUBT) return IN_DOUBT
      const next = bytes[at]
      if (next === COMMA) continue
      if (next !== CLOSE || !this.#isComplete(bytes, view, lines, row)) return IN_DOUBT
      at += 1
      while (bytes[at] === 13 || bytes[at] === SPACE) at += 1
      return at
    }
    return IN_DOUBT
  }

  /** Reads the value of a known key that is no text. Returns where it ends. */
  #value(bytes: Buffer, view: DataView, at: number, key: number, lines: ScannedLines, row: number): number {
    if (!this.#isFirst(key)) return IN_DOUBT
    if (key === KEY.status_code || key === KEY.latency_ms || key === KEY.pid) {
      const end = this.#number(bytes, at, key, lines, row)
      if (end !== IN_DOUBT) return end
    }
    const first = bytes[at]
    if (first === LETTER_N) {
      // Null is as good as no value, except for what tells the format, and for an `instance` that hides the host.
      return key === KEY.timestamp || key === KEY.event || key === KEY.instance ? IN_DOUBT : literalEnd(view, at, NULL)
    }
    // What a failed request says about its error is not needed unless it is a text.
    if (key !== KEY.degraded) return key > KEY.odd ? skippedEnd(bytes, view, at) : IN_DOUBT
    if (first === LETTER_T) this.#flags |= IS_DEGRADED
    return skippedEnd(bytes, view, at)
  }

  /** Whether a known key is there for the first time. */
  #isFirst(key: number): boolean {
    const bit = 1 << key
    if ((this.#seen & bit) !== 0 || key === KEY.odd) return false
    this.#seen |= bit
    return true
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
      if (value < 100 || value > 599 || !Number.isInteger(value)) return IN_DOUBT
      if (value >= 400) this.#flags |= IS_FAILED
      lines.statuses[row] = value
    }
    return end
  }

  /** Reads a text whose first byte is at `start`. Returns where it ends. */
  #text(bytes: Buffer, view: DataView, start: number, key: LineKey, lines: ScannedLines, row: number): number {
    const { number } = key
    let at = start
    if (number === SKIPPED) return stringEnd(bytes, view, start)
    if (!this.#isFirst(number)) return IN_DOUBT
    switch (number) {
      case KEY.timestamp:
        return this.#instants.read(bytes, view, start, lines.ats, row)
      case KEY.event:
        // Its quote is compared too.
        return REQUEST.isAt(view, start) ? start + REQUEST.length : IN_DOUBT
      case KEY.trace_id:
        this.#failure.traceStart = start
        at = this.#id(bytes, view, start, lines.traces, row, HAS_TRACE)
        this.#failure.traceEnd = at - 1
        return at
      case KEY.span_id:
        this.#failure.spanStart = start
        at = this.#id(bytes, view, start, lines.spans, row, HAS_SPAN)
        this.#failure.spanEnd = at - 1
        return at
      case KEY.parent_span_id:
        return this.#id(bytes, view, start, lines.parents, row, HAS_PARENT)
      case KEY.path:
        // It is looked at only if there is no route, or if the request failed.
        at = stringEnd(bytes, view, start)
        this.#failure.pathStart = start
        this.#failure.pathEnd = at - 1
        return at
      case KEY.service:
      case KEY.route:
      case KEY.instance:
      case KEY.hostname:
      case KEY.log_level:
      case KEY.error_code:
        return this.#named(bytes, view, start, key, lines, row)
      case KEY.error_kind:
        return this.#failure.readKind(bytes, view, start)
      case KEY.detail:
      case KEY.error_message:
      case KEY.message:
      case KEY.msg:
        return this.#failure.readMessage(bytes, view, start, number)
      default:
        return IN_DOUBT
    }
  }

  /** Reads an id. A dash or an empty text is none. */
  #id(bytes: Buffer, view: DataView, start: number, hashes: Int32Array, row: number, flag: number): number {
    const name = this.#texts.read(bytes, view, start)
    if (name === undefined) return IN_DOUBT
    const { end, hash } = name
    if (end === start || (end - start === 1 && bytes[start] === DASH)) return end + 1
    hashes[row] = hash
    this.#flags |= flag
    return end + 1
  }

  /** Reads a name. Returns where it ends, if there is a number for it. */
  #named(bytes: Buffer, view: DataView, start: number, key: LineKey, lines: ScannedLines, row: number): number {
    const known = key.known(view, start)
    if (known !== undefined) {
      const end = start + known.text.length
      this.#take(key.number, known.number, lines, row, start, end - 1)
      return end
    }
    const name = this.#texts.read(bytes, view, start)
    if (name === undefined) return IN_DOUBT
    const { end } = name
    // An empty text is no value.
    if (end === start) return key.number === KEY.instance ? IN_DOUBT : end + 1
    const number = this.#numberOf(bytes, view, key.number, name)
    if (number === undefined) return IN_DOUBT
    key.learn(bytes, view, start, end, number)
    this.#take(key.number, number, lines, row, start, end)
    return end + 1
  }

  /** Returns the number of a name; undefined if there is no room. */
  #numberOf(bytes: Buffer, view: DataView, key: number, name: Name): number | undefined {
    const { names } = this
    if (key === KEY.log_level) {
      const isCritical = names.isCritical(bytes, view, name)
      return isCritical === undefined ? undefined : Number(isCritical)
    }
    if (key === KEY.service) return names.service(bytes, view, name) || undefined
    if (key === KEY.error_code) return names.code(bytes, view, name) || undefined
    return (key === KEY.route ? names.route(bytes, view, name) : names.instanceText(bytes, view, name)) || undefined
  }

  #take(key: number, number: number, lines: ScannedLines, row: number, start: number, end: number): void {
    if (key === KEY.service) lines.services[row] = number
    else if (key === KEY.route) {
      this.#routeNumber = number
      this.#failure.routeStart = start
      this.#failure.routeEnd = end
    } else if (key === KEY.error_code) this.#failure.code = number
    else if (key === KEY.instance) this.#instance = number
    else if (key === KEY.hostname) this.#host = number
    else if (number === 1) this.#flags |= IS_CRITICAL
  }

  /** Whether the line has all that makes it a request in escudo's format. Fills the rest of its row. */
  #isComplete(bytes: Buffer, view: DataView, lines: ScannedLines, row: number): boolean {
    if ((this.#seen & NEEDED) !== NEEDED || lines.statuses[row] === 0) return false
    let route = this.#routeNumber
    const { pathStart, pathEnd } = this.#failure
    if (route === 0 && pathEnd > pathStart) {
      const path = this.#texts.read(bytes, view, pathStart)
      route = path === undefined ? 0 : this.names.path(bytes, view, path)
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

function hasRoom({ count, failures }: ScannedLines): boolean {
  return count < ROWS_MAX && failures.count < FAILURES_MAX
}
