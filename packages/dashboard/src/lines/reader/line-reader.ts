import type { JudgeState } from '../durations/unit-judge.ts'
import { escudoLine, isEscudoLine } from '../formats/escudo-line.ts'
import { formatOf, LOGFMT, OTLP, PLAIN_TEXT } from '../formats/format-names.ts'
import type { JsonFormat, SeenInFile } from '../formats/json-format.ts'
import { JSON_FORMATS, PLAIN_JSON } from '../formats/json-formats.ts'
import { type Declared, type FileContext, fileContext, lineOf, REQUEST_EVENT } from '../formats/line-of.ts'
import { readLogfmt } from '../formats/logfmt.ts'
import { isOtlpLogs, isOtlpRecord, otlpRecord, otlpRecords } from '../formats/otlp.ts'
import { readPlainText, TEXT_FORMATS } from '../formats/text-formats.ts'
import { readDirective } from '../formats/w3c.ts'
import { unwrapJson, unwrapText, type Wrapped } from '../formats/wrappers.ts'
import { isJson, type Json } from '../log-fields.ts'
import type { LogLine } from '../log-line.ts'
import { LineParts } from './line-parts.ts'
import { type Open, RequestJoin } from './request-join.ts'
import { brokenJson, isJournalExport, UNREAD, Unread, unknownText } from './unread.ts'

/** What a line is: one record, several in one line or none yet (a part of a line), or nothing that is recognised. */
export type ReadResult = LogLine | readonly LogLine[] | Unread

/** Returns the lines of a result: none if nothing was recognised. */
export function linesIn(read: ReadResult): readonly LogLine[] {
  if (read instanceof Unread) return NO_LINE
  return Array.isArray(read) ? (read as readonly LogLine[]) : [read as LogLine]
}

/** What a reader remembers of its section of a file, to be written into a file. */
export interface SectionState {
  readonly parts: ReadonlyMap<string, readonly string[]>
  readonly open: ReadonlyMap<string, Open>
}

/** What the readers of a file know of it. */
export interface KnownState extends SeenInFile {
  readonly judge: JudgeState
  readonly writtenAt: number
  readonly wrappers: ReadonlyMap<string, number>
}

/** A declaration that declares nothing. */
export const UNDECLARED: Declared = { names: {} }

/** How many wrappers may be around a line. */
const DEPTH_MAX = 4
/** A longer text is not compared with text formats. */
const TEXT_MAX = 16_384
const NO_LINE: readonly LogLine[] = []
/** Colours of a terminal. */
const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*[A-Za-z]`, 'g')

/**
 * Reads the lines of one file in whatever format they are.
 *
 * Every line is recognised by its own keys or shape, so a file may mix formats or change its format. What a line alone
 * does not tell, such as the unit of a duration, the evidence of the whole file decides.
 */
export class LineReader {
  readonly #context: FileContext
  readonly #declared: JsonFormat | undefined
  /** Whether nothing is declared: the fast path knows only escudo's names. */
  readonly #isUndeclared: boolean
  readonly #parts = new LineParts()
  readonly #join = new RequestJoin()
  readonly #wrappers: Map<string, number>

  constructor(declared: Declared = UNDECLARED, sharing?: LineReader, wrappers?: Map<string, number>) {
    this.#context = sharing?.context ?? fileContext(declared)
    this.#declared = declared.format === undefined ? undefined : formatOf(declared.format)
    this.#isUndeclared =
      this.#declared === undefined && declared.latency === undefined && Object.keys(declared.names).length === 0
    this.#wrappers = wrappers ?? sharing?.wrappers ?? new Map()
  }

  /** What is remembered of its section. */
  get section(): SectionState {
    return { parts: this.#parts.state, open: this.#join.state }
  }

  /** What is known of the file. */
  get known(): KnownState {
    const { judge, writtenAt, hasRequestEvents, hasSerilogRequests, w3c } = this.#context
    return { judge: judge.state, writtenAt, hasRequestEvents, hasSerilogRequests, w3c, wrappers: this.#wrappers }
  }

  /** Takes what is remembered of a section. */
  restoreSection({ parts, open }: SectionState): void {
    this.#parts.restore(parts)
    this.#join.restore(open)
  }

  /** Takes what is known of the file: for its siblings too. */
  restoreKnown({ judge, wrappers, ...seen }: KnownState): void {
    Object.assign(this.#context, seen)
    this.#context.judge.restore(judge)
    for (const [wrapper, lines] of wrappers) this.#wrappers.set(wrapper, lines)
  }

  /** Whether lines in escudo's own format are read by their exact names. */
  get isUndeclared(): boolean {
    return this.#isUndeclared
  }

  /** What is known of the file. */
  get context(): FileContext {
    return this.#context
  }

  /** How many lines each wrapper was around. */
  get wrappers(): Map<string, number> {
    return this.#wrappers
  }

  /** Whether lines of the file may be parts of lines: container runtimes split long ones. */
  get mayBeSplit(): boolean {
    return this.#wrappers.has('cri') || this.#wrappers.has('docker')
  }

  /** Whether a line is unfinished: its other parts are still to come. */
  get isWithinLine(): boolean {
    return this.#parts.isOpen
  }

  /** Returns a reader of another section of the same file: it shares what is known, but no unfinished line. */
  sibling(): LineReader {
    return new LineReader(this.#context.declared, this)
  }

  /** Collects evidence from the first lines of a file. They are read again afterwards. */
  probe(lines: readonly string[]): void {
    const probing = new LineReader(this.#context.declared, this, new Map())
    this.#context.judge.learn(() => {
      for (const line of lines) probing.read(line)
    })
  }

  /** Forgets unfinished lines, for a file that starts again. */
  reset(): void {
    this.#parts.clear()
  }

  /** Reads one line. Never throws. */
  read(line: string): ReadResult {
    try {
      return this.#read(line, 0)
    } catch {
      // A line that is nested too deeply to be read must not end the reading of its file.
      return UNREAD['broken-json']
    }
  }

  #read(line: string, depth: number): ReadResult {
    const first = line.charCodeAt(0)
    if (first === 123) return this.#json(line, depth)
    if (first > 32 && first < 127) return this.#text(line, depth)
    const trimmed = line.trim()
    return trimmed.charCodeAt(0) === 123 ? this.#json(trimmed, depth) : this.#text(line, depth)
  }

  #json(line: string, depth: number): ReadResult {
    let json: unknown
    try {
      json = JSON.parse(line)
    } catch {
      return brokenJson(line)
    }
    return isJson(json) ? this.#object(json, depth) : UNREAD['not-an-object']
  }

  #object(json: Json, depth: number): ReadResult {
    if (this.#isUndeclared && isEscudoLine(json)) return this.#own(json)
    if (isOtlpLogs(json)) return otlpRecords(json).map((record) => lineOf(record, OTLP, this.#context))
    if (isOtlpRecord(json)) return lineOf(otlpRecord(json), OTLP, this.#context)
    if (json['resourceSpans'] !== undefined || json['resourceMetrics'] !== undefined) return UNREAD['otlp-without-logs']
    const wrapped = depth < DEPTH_MAX ? unwrapJson(json) : undefined
    if (wrapped !== undefined) {
      const inner = this.#unwrap(wrapped, depth)
      if (inner === UNREAD['too-long']) return inner
      if (!(inner instanceof Unread)) return wrapped.by === 'json-in-json' ? this.#request(json, inner) : inner
    }
    return this.#recognised(json, PLAIN_JSON)
  }

  /** Of a line and the JSON in its message, the one that counts a request; the inner one if neither or both do. */
  #request(json: Json, inner: LogLine | readonly LogLine[]): ReadResult {
    if (Array.isArray(inner) || (inner as LogLine).isRequest) return inner
    const outer = this.#recognised(json, PLAIN_JSON)
    return !(outer instanceof Unread) && (outer as LogLine).isRequest === true ? outer : inner
  }

  #own(json: Json): LogLine {
    if (json['event'] === REQUEST_EVENT) this.#context.hasRequestEvents = true
    return escudoLine(json, this.#context)
  }

  /** Reads the fields of a line by the format that they identify. */
  #recognised(json: Json, fallback: JsonFormat): ReadResult {
    const format = this.#declared ?? JSON_FORMATS.find((one) => one.matches(json)) ?? fallback
    const line = lineOf(json, format, this.#context)
    if (line.event === REQUEST_EVENT) this.#context.hasRequestEvents = true
    const isEmpty =
      line.at === undefined &&
      line.status === undefined &&
      line.level === undefined &&
      line.message === undefined &&
      line.event === undefined
    if (isEmpty) return UNREAD['no-known-field']
    return format.name === 'pino' ? this.#join.complete(line, json) : line
  }

  #text(raw: string, depth: number): ReadResult {
    const line = (raw.includes('\u001B') ? raw.replace(ESCAPES, '') : raw).trimEnd()
    const wrapped = depth < DEPTH_MAX ? unwrapText(line) : undefined
    if (wrapped !== undefined) {
      const inner = this.#unwrap(wrapped, depth)
      if (!(inner instanceof Unread) || inner === UNREAD['too-long']) return inner
    }
    if (line.length > TEXT_MAX) return unknownText(line)
    return this.#shaped(line) ?? (this.#declared === undefined ? unknownText(line) : UNREAD['not-as-declared'])
  }

  #shaped(line: string): ReadResult | undefined {
    const declared = this.#declared
    if (line.startsWith('#')) {
      const header = readDirective(line, this.#context.w3c)
      if (header !== undefined) {
        this.#context.w3c = header
        return NO_LINE
      }
    }
    // Such a line may look like pairs, and belongs to a record of many lines.
    if (isJournalExport(line)) return UNREAD['journal-export']
    for (const format of TEXT_FORMATS) {
      if (declared !== undefined && declared.name !== format.name) continue
      const fields = format.read(line, this.#context)
      if (fields !== undefined) return lineOf(fields, formatOf(format.name) ?? PLAIN_TEXT, this.#context)
    }
    const fields = readLogfmt(line)
    if (fields !== undefined) return this.#recognised(fields, LOGFMT)
    if (declared !== undefined && declared !== PLAIN_TEXT) return undefined
    const plain = readPlainText(line)
    return plain === undefined ? undefined : lineOf(plain, PLAIN_TEXT, this.#context)
  }

  #unwrap(wrapped: Wrapped, depth: number): ReadResult {
    let { inner } = wrapped
    if (wrapped.stream !== undefined) {
      const stream = `${depth}\u0000${wrapped.stream}`
      if (wrapped.isPart) return this.#parts.add(stream, inner) ? NO_LINE : UNREAD['too-long']
      inner = this.#parts.finish(stream, inner)
    }
    const isBlank = inner.trim() === ''
    const read = isBlank ? UNREAD['unknown-text'] : this.#read(inner, depth + 1)
    if (read instanceof Unread) {
      const format = TEXT_IN.get(wrapped.by)
      if (format === undefined) return read
      this.#count(wrapped.by)
      return lineOf({ ...wrapped.outer, message: inner }, format, this.#context)
    }
    this.#count(wrapped.by)
    const outer = lineOf(wrapped.outer, WRAPPER, this.#context)
    return Array.isArray(read) ? read.map((line) => filled(line, outer)) : filled(read as LogLine, outer)
  }

  #count(wrapper: string): void {
    this.#wrappers.set(wrapper, (this.#wrappers.get(wrapper) ?? 0) + 1)
  }
}

/** The wrappers whose text lines are lines of a log, whatever they say. */
const TEXT_IN: ReadonlyMap<string, JsonFormat> = new Map(
  ['cri', 'docker', 'journald', 'syslog', 'compose', 'kubectl'].map((name) => [
    name,
    { name, matches: () => true, levels: 'syslog' },
  ]),
)
const WRAPPER: JsonFormat = { name: 'wrapper', matches: () => true, levels: 'syslog' }

/** Adds to a line what only its wrapper knows. */
function filled(line: LogLine, outer: LogLine): LogLine {
  return {
    ...line,
    at: line.at ?? outer.at,
    isLocalTime: line.at === undefined ? outer.isLocalTime : line.isLocalTime,
    level: line.level ?? outer.level,
    service: line.service ?? outer.service,
    instance: line.instance ?? outer.instance,
    traceId: line.traceId ?? outer.traceId,
    spanId: line.spanId ?? outer.spanId,
  }
}
