import { Breakers } from '../counts/breakers.ts'
import { Cells } from '../counts/cells.ts'
import { ErrorGroups } from '../counts/errors/error-groups.ts'
import { Latest } from '../counts/latest.ts'
import { Timeline } from '../counts/timeline.ts'
import { Services } from '../counts/watch/services.ts'
import type { Kind } from '../lines/kind.ts'
import { TraceIndex } from '../traces/trace-index.ts'
import { ErrorList } from './error-list.ts'

/** The most lines in the live tail. */
const TAIL_MAX = 300

/** The shown parts of a line in the live tail. */
export interface TailLine {
  /** Increases with each line in order of arrival. */
  readonly id: number
  readonly at: number
  readonly service: string
  /** Undefined unless the line is a request. */
  readonly route: string | undefined
  readonly level: string | undefined
  readonly text: string
  readonly status: number | undefined
  readonly traceId: string | undefined
}

/** An error in the list. */
export interface ErrorLine {
  readonly at: number
  readonly service: string
  readonly route: string | undefined
  readonly status: number | undefined
  readonly code: string | undefined
  readonly kind: Kind
  readonly detail: string | undefined
  readonly path: string | undefined
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  /** Set when a fallback hid this error from the client. */
  readonly fallback?: true
}

/** Holds the counts and lists of all files together. All are bounded, and no raw line is kept. */
export class Journal {
  #newestTailId = 0
  #revision = 1
  readonly clock: () => number
  readonly cells: Cells = new Cells()
  /** Counts requests and events. */
  readonly named: Timeline = new Timeline(
    (cell) => this.cells.overflow(cell),
    (cell) => this.cells.withoutRoute(cell),
  )
  readonly breakers: Breakers = new Breakers()
  /** What the verdict is made from. */
  readonly services: Services = new Services((kind, at, cell, latencyMs) =>
    this.named.addApart(kind, at, cell, latencyMs),
  )
  readonly traces: TraceIndex = new TraceIndex()
  readonly tail: Latest<TailLine> = new Latest(TAIL_MAX)
  readonly errors: ErrorList<ErrorLine> = new ErrorList()
  readonly errorGroups: ErrorGroups = new ErrorGroups()

  /** `clock` is the reader's clock. */
  constructor(clock: () => number = Date.now) {
    this.clock = clock
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

  /** The id of the newest line in the tail. */
  get newestTailId(): number {
    return this.#newestTailId
  }

  /** Assigns the id of the next line in the tail. */
  nextTailId(): number {
    this.#newestTailId += 1
    return this.#newestTailId
  }
}
