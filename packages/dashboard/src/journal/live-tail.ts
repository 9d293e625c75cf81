import { Latest } from '../counts/latest.ts'
import { AHEAD_MS_MIN } from '../counts/watch/clock-offset.ts'
import { clipped, shortened } from '../lines/log-fields.ts'
import type { LogLine } from '../lines/log-line.ts'
import type { LineReader } from '../lines/reader/line-reader.ts'
import { routeOf } from '../lines/route-of.ts'
import type { LineRef } from './line-place.ts'
import type { TailEntry } from './tail-line.ts'

const TEXT_MAX = 300
const NAME_MAX = 100

/** Where the bytes of a line are. */
export interface LineBytes {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** A line that may be one of the newest. It is made into an entry once the tail is looked at. */
interface Candidate {
  readonly id: number
  readonly at: number
  readonly service: string
  readonly ref: LineRef | undefined
  /** The line, or its bytes. */
  readonly line: LogLine | LineBytes
  /** Reads the bytes. */
  readonly reader: LineReader | undefined
}

/**
 * The newest lines by time.
 *
 * While a large log is read, each line is newer than all before it. So a line is kept as it is at first, and made into an
 * entry only if it is still one of the newest when the tail is looked at.
 */
export class LiveTail {
  readonly #max: number
  readonly #clock: () => number
  readonly #entries: Latest<TailEntry>
  #candidates: Candidate[] = []
  #isOrdered = true
  /** An older line cannot be one of the newest. */
  #floorAt = Number.NEGATIVE_INFINITY
  #newestId = 0

  /** `clock` is the reader's clock. Lines ahead of it make room first. */
  constructor(max: number, clock: () => number = () => Number.POSITIVE_INFINITY) {
    this.#max = max
    this.#clock = clock
    this.#entries = new Latest(max, clock)
  }

  /** The id of the newest line. */
  get newestId(): number {
    return this.#newestId
  }

  /** The newest lines, oldest first. */
  get latest(): Latest<TailEntry> {
    if (this.#candidates.length > 0) this.#settle()
    return this.#entries
  }

  /** Adds a line. Without a time it is as new as the newest one. */
  add(time: number | undefined, line: LogLine, service: string, ref: LineRef | undefined): void {
    const at = time ?? this.latest.items.at(-1)?.at ?? 0
    if (this.accepts(at)) this.#push({ id: this.nextId(), at, service, ref, line, reader: undefined })
  }

  /** Adds a line by its bytes, with an id of {@link nextId}. */
  addBytes(
    id: number,
    at: number,
    bytes: LineBytes,
    service: string,
    ref: LineRef | undefined,
    reader: LineReader,
  ): void {
    this.#push({ id, at, service, ref, line: bytes, reader })
  }

  /** Whether a line with this time may be one of the newest. To read the clock for each of many lines takes long. */
  accepts(at: number, clockMs: number = this.#clock()): boolean {
    // The clock was set back if that time is ahead of it.
    if (at < this.#floorAt && this.#floorAt <= clockMs + AHEAD_MS_MIN) return false
    return this.#entries.accepts(at, clockMs)
  }

  /** Takes the lines of another tail, oldest first. */
  restore(entries: readonly TailEntry[]): void {
    this.#entries.restore(entries)
    this.#newestId = entries.reduce((newest, { id }) => Math.max(newest, id), this.#newestId)
  }

  /** Moves lines to other times. */
  move(isMoved: (entry: TailEntry) => boolean, byMs: number): void {
    this.latest.move(isMoved, byMs)
    this.#floorAt = Number.NEGATIVE_INFINITY
  }

  /** Assigns the id of the next line. */
  nextId(): number {
    this.#newestId += 1
    return this.#newestId
  }

  #push(candidate: Candidate): void {
    const last = this.#candidates.at(-1)
    if (last !== undefined && (candidate.at < last.at || candidate.id < last.id)) this.#isOrdered = false
    this.#candidates.push(candidate)
    if (this.#candidates.length >= 4 * this.#max) this.#reduce()
  }

  /** Keeps only as many candidates as the tail has lines. */
  #reduce(): void {
    if (!this.#isOrdered) this.#candidates.sort((a, b) => a.at - b.at || a.id - b.id)
    this.#isOrdered = true
    const latest = this.#clock() + AHEAD_MS_MIN
    if ((this.#candidates.at(-1)?.at ?? 0) > latest) {
      const isAhead = ({ at }: Candidate): boolean => at > latest
      this.#candidates = [
        ...this.#candidates.filter(isAhead),
        ...this.#candidates.filter((candidate) => !isAhead(candidate)),
      ]
      this.#isOrdered = false
    }
    this.#candidates = this.#candidates.slice(-this.#max)
    if (this.#candidates.length === this.#max) this.#floorAt = this.#candidates[0]?.at ?? this.#floorAt
  }

  #settle(): void {
    this.#reduce()
    const candidates = this.#candidates.sort((a, b) => a.id - b.id)
    this.#candidates = []
    for (const candidate of candidates) {
      if (!this.#entries.accepts(candidate.at)) continue
      const { reader } = candidate
      const { bytes, start, end } = candidate.line as LineBytes
      const line = reader === undefined ? candidate.line : reader.read(bytes.toString('utf8', start, end))
      this.#entries.add(entryOf(candidate, line as LogLine))
    }
  }
}

function entryOf({ id, at, service, ref }: Candidate, line: LogLine): TailEntry {
  const { fields } = line
  const message = shortened(line.message ?? line.errorCode, TEXT_MAX)
  const request = line.isRequest ? shortened(line.path ?? line.route, TEXT_MAX) : undefined
  const method = request === undefined ? undefined : shortened(line.method, 10)
  const shield = fields.short(NAME_MAX, 'shield')
  const [from, to] = [fields.short(20, 'from'), fields.short(20, 'to')]
  const change = from === undefined || to === undefined ? undefined : `${from} → ${to}`
  const parts = [line.event === 'http.request' ? undefined : line.event, shield, change, method, request, message]
  return {
    id,
    at,
    service: clipped(service, NAME_MAX),
    route: line.isRequest ? routeOf(line) : undefined,
    level: shortened(line.level, 20),
    text: clipped(parts.filter((part) => part !== undefined).join(' '), TEXT_MAX),
    status: line.status,
    latencyMs: line.latencyMs,
    traceId: shortened(line.traceId, NAME_MAX),
    ref,
    logged: fields.all,
  }
}
