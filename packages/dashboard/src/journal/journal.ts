import { Breakers } from '../counts/breakers.ts'
import { Cells } from '../counts/cells.ts'
import { Latest } from '../counts/latest.ts'
import { Timeline } from '../counts/timeline.ts'
import { Services } from '../counts/watch/services.ts'
import type { Json } from '../lines/log-fields.ts'
import { TraceIndex } from '../traces/trace-index.ts'
import type { LineRef } from './line-place.ts'

/** The most lines in the live tail. */
const TAIL_MAX = 300
/** The most errors in the list. */
const ERRORS_MAX = 200

/** The shown parts of a line in the live tail. */
export interface TailLine {
  /** Increases with each line in order of arrival. */
  readonly id: number
  readonly at: number
  readonly service: string
  readonly level: string | undefined
  readonly text: string
  readonly status: number | undefined
  readonly latencyMs: number | undefined
  readonly traceId: string | undefined
  /** Where the whole line is. */
  readonly ref: LineRef | undefined
  /** Its fields, shortened: for filters. */
  readonly fields: Readonly<Record<string, string>>
}

/** A line in the live tail with its fields as they were logged. They are shortened when they are sent. */
export interface TailEntry extends Omit<TailLine, 'fields'> {
  readonly logged: Json
}

/** An error in the list. */
export interface ErrorLine {
  readonly at: number
  readonly service: string
  readonly status: number | undefined
  readonly code: string | undefined
  readonly kind: string
  readonly detail: string | undefined
  readonly path: string | undefined
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  /** Where the line is; for several lines about one request, the first one that was read. */
  readonly ref: LineRef | undefined
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
  readonly named: Timeline = new Timeline((cell) => this.cells.overflow(cell))
  readonly breakers: Breakers = new Breakers()
  /** What the verdict is made from. */
  readonly services: Services = new Services((kind, status, latencyMs, at) =>
    this.named.addApart(at, this.cells.apart(kind, status), latencyMs),
  )
  readonly traces: TraceIndex = new TraceIndex()
  readonly tail: Latest<TailEntry> = new Latest(TAIL_MAX)
  readonly errors: Latest<ErrorLine> = new Latest(ERRORS_MAX)

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
