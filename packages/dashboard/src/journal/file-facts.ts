import { exampleOf, type Unread } from '../lines/reader/unread.ts'

const RATE_SECONDS = 10
/** The most distinct format names of a file. The names come from a fixed list. */
const FORMATS_MAX = 100

/** A line that was not recognised. */
export interface UnreadExample {
  /** The beginning of the line, with control characters made visible. */
  readonly example: string
  readonly reason: string
  /** What the reason is, and what to do about it. */
  readonly hint: string
  /** How many lines were not recognised for this reason. */
  readonly lines: number
}

/** The facts of a file, to be written into another one. */
export interface FactsState {
  readonly counts: Readonly<Record<string, number | boolean>>
  readonly formats: ReadonlyMap<string, number>
  readonly unread: ReadonlyMap<string, { readonly example: string; readonly unread: Unread; readonly lines: number }>
}

/** What is known about the lines of one file. */
export class FileFacts {
  /** The number of lines that were not blank. */
  read = 0
  /** The number of lines in a known format. */
  recognised = 0
  requests = 0
  /** The number of lines that a scanner read from bytes. */
  scanned = 0
  /** The number of lines that are broken: no JSON object, no known text, or too long. */
  malformed = 0
  /** The number of new lines whose time was no longer kept when they arrived. */
  late = 0
  /** The number of lines dated ahead of the reader's clock. */
  ahead = 0
  /** By how many milliseconds the latest of them was ahead. */
  aheadMs = 0
  /** The number of lines without a valid time. */
  untimed = 0
  /** Whether a line had a time without a zone. */
  hasLocalTimes = false
  /** What the last line was that was not recognised. */
  lastUnread: Unread | undefined
  readonly #formats = new Map<string, number>()
  readonly #unread = new Map<string, { example: string; unread: Unread; lines: number }>()
  readonly #rate = new Float64Array(RATE_SECONDS)
  #rateSecond = 0

  /** The number of lines in each format, the most frequent first. */
  get formats(): readonly (readonly [name: string, lines: number])[] {
    return [...this.#formats].sort(([, a], [, b]) => b - a)
  }

  /** The most frequent reason for lines that were not recognised, with an example. */
  get unread(): UnreadExample | undefined {
    const [most] = [...this.#unread.values()].sort((a, b) => b.lines - a.lines)
    if (most === undefined) return undefined
    return { example: most.example, reason: most.unread.reason, hint: most.unread.text, lines: most.lines }
  }

  /** All facts but the rate. */
  get state(): FactsState {
    const { lastUnread: _, ...counts } = this
    return { counts: counts as unknown as FactsState['counts'], formats: this.#formats, unread: this.#unread }
  }

  /** Takes the facts of a {@link state}. */
  restore({ counts, formats, unread }: FactsState): void {
    Object.assign(this, counts)
    for (const [name, lines] of formats) this.#formats.set(name, lines)
    for (const [reason, known] of unread) this.#unread.set(reason, { ...known })
  }

  addLine(now: number, lines = 1): void {
    this.read += lines
    const second = Math.floor(now / 1_000)
    if (second !== this.#rateSecond) this.#advance(second)
    const slot = second % RATE_SECONDS
    this.#rate[slot] = (this.#rate[slot] ?? 0) + lines
  }

  addAhead(byMs: number): void {
    this.ahead += 1
    this.aheadMs = byMs
  }

  addFormat(name: string, lines = 1): void {
    const count = this.#formats.get(name)
    if (count !== undefined || this.#formats.size < FORMATS_MAX) this.#formats.set(name, (count ?? 0) + lines)
  }

  addUnread(line: string, unread: Unread): void {
    if (unread.isMalformed) this.malformed += 1
    this.lastUnread = unread
    const known = this.#unread.get(unread.reason)
    if (known === undefined) this.#unread.set(unread.reason, { example: exampleOf(line), unread, lines: 1 })
    else known.lines += 1
  }

  /** Lines per second over the last ten seconds. */
  linesPerSecond(now: number): number {
    const second = Math.floor(now / 1_000)
    if (second !== this.#rateSecond) this.#advance(second)
    return this.#rate.reduce((sum, count) => sum + count, 0) / RATE_SECONDS
  }

  #advance(second: number): void {
    const steps = Math.min(RATE_SECONDS, Math.abs(second - this.#rateSecond))
    for (let step = 0; step < steps; step += 1) this.#rate[(second - step) % RATE_SECONDS] = 0
    this.#rateSecond = second
  }
}
