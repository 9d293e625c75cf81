import { type BreakerState, Breakers } from '../counts/breakers.ts'
import { Cells, type CellsState } from '../counts/cells.ts'
import { ErrorGroups } from '../counts/errors/error-groups.ts'
import type { Latest } from '../counts/latest.ts'
import type { PackedReader, PackedWriter } from '../counts/packed.ts'
import { packValue, unpackValue } from '../counts/packed-value.ts'
import { Timeline } from '../counts/timeline.ts'
import type { ServiceWatch } from '../counts/watch/service-watch.ts'
import { Services } from '../counts/watch/services.ts'
import { TraceIndex } from '../traces/trace-index.ts'
import type { ErrorLine } from './error-line.ts'
import { LatestErrors } from './latest-errors.ts'
import { LiveTail } from './live-tail.ts'
import { RowScanner } from './row-scanner.ts'
import type { TailEntry } from './tail-line.ts'

export type { ErrorLine } from './error-line.ts'
export type { TailEntry, TailLine } from './tail-line.ts'

/** The most lines in the live tail. */
const TAIL_MAX = 300
/** The most errors of each kind in the list. */
const ERRORS_MAX = 200
/** After this many lines ahead, the clock of their service is looked at. */
const AHEAD_LINES = 8
/** The most moves between two polls: dates that jump to and fro must not keep the dashboard busy. */
const MOVES_MAX = 100

/** What is listed, to be written into a file. */
interface Lists {
  readonly errors: readonly [readonly ErrorLine[], readonly ErrorLine[]]
  readonly tail: readonly TailEntry[]
}

/** Holds the counts and lists of all files together. All are bounded. Raw lines wait only for the live tail. */
export class Journal {
  readonly #tail = new LiveTail(TAIL_MAX, () => this.clock())
  #revision = 1
  #movesLeft = MOVES_MAX
  readonly clock: () => number
  readonly cells: Cells = new Cells()
  /** Counts requests and events. */
  readonly named: Timeline = new Timeline(
    (cell) => this.cells.overflow(cell),
    (cell) => this.cells.withoutRoute(cell),
  )
  readonly breakers: Breakers = new Breakers()
  /** What the verdict is made from. */
  readonly services: Services = new Services((kind, times, cell, latencyMs) =>
    this.named.addApart(kind, times, cell, latencyMs),
  )
  readonly traces: TraceIndex = new TraceIndex()
  readonly errors: LatestErrors<ErrorLine> = new LatestErrors(ERRORS_MAX, () => this.clock())
  readonly errorGroups: ErrorGroups = new ErrorGroups()

  /** Reads request lines from bytes. */
  readonly scanner: RowScanner = new RowScanner(this)

  /** `clock` is the reader's clock. */
  constructor(clock: () => number = Date.now) {
    this.clock = clock
  }

  /**
   * Packs all counts and lists, but no filters of traces. Yields whenever `into` is full.
   *
   * @throws TooLargeError if those of a timeline have more than `bytesMax`
   */
  *pack(into: PackedWriter, bytesMax: number): Generator<void> {
    const lists: Lists = { errors: this.errors.state, tail: this.tail.items }
    packValue([this.cells.state, this.breakers.state, lists], into)
    yield* this.named.pack(into, bytesMax)
    yield* this.services.pack(into)
    yield* this.errorGroups.pack(into, bytesMax)
  }

  /** Takes the counts and lists that {@link pack} packed, before anything is counted. */
  restore(from: PackedReader): void {
    const [cells, breakers, lists] = unpackValue<[CellsState, readonly BreakerState[], Lists]>(from)
    this.cells.restore(cells)
    this.named.restore(from)
    this.breakers.restore(breakers)
    this.services.restore(from, this.clock())
    this.errors.restore(lists.errors)
    this.errorGroups.restore(from)
    this.#tail.restore(lists.tail)
  }

  /** The revision that is written into each slot that changes. */
  get revision(): number {
    return this.#revision
  }

  /** Raises the revision, so that later changes differ from earlier ones. */
  raiseRevision(timelines: readonly Timeline[]): void {
    this.#revision += 1
    for (const timeline of timelines) timeline.revision = this.#revision
  }

  /** Shows the times of services with a wrong clock by the reader's clock. Call it once new lines were counted. */
  settleClocks(): void {
    this.#movesLeft = MOVES_MAX
    for (const watch of this.services.all) this.#settle(watch, false)
  }

  /** Does so for the service of a new line that is ahead: the fine counts do not reach as far as a clock may be wrong. */
  settleAhead(watch: ServiceWatch): void {
    if (watch.aheadLines % AHEAD_LINES === 0 && this.#movesLeft > 0) this.#settle(watch, true)
  }

  #settle({ name, clock, shift }: ServiceWatch, isReading: boolean): void {
    const now = this.clock()
    const move = shift.settle(clock, now, isReading)
    if (move === undefined) return
    this.#movesLeft -= 1
    const isOfService = (cell: number): boolean => this.cells.key(cell).service === name
    this.named.move(isOfService, move.fromMs, move.byMs, now)
    this.services.move(isOfService, move.fromMs, move.byMs)
    const isListed = (item: TailEntry | ErrorLine): boolean => item.service === name && item.at >= move.fromMs
    this.#tail.move(isListed, move.byMs)
    this.errors.move(isListed, move.byMs)
    this.errorGroups.move(name, move.fromMs, move.byMs, now)
  }

  /** The newest lines. */
  get tail(): Latest<TailEntry> {
    return this.#tail.latest
  }

  /** Takes the lines of the tail. */
  get liveTail(): LiveTail {
    return this.#tail
  }

  /** The id of the newest line. */
  get newestTailId(): number {
    return this.#tail.newestId
  }
}
