import { Breakers } from '../counts/breakers.ts'
import { Cells } from '../counts/cells.ts'
import { Latest } from '../counts/latest.ts'
import { Timeline } from '../counts/timeline.ts'
import { TraceIndex } from '../traces/trace-index.ts'

/** The most lines of the live tail. */
export const TAIL_MAX = 300
/** The most errors that are listed. */
export const ERRORS_MAX = 200

/** A line of the live tail: what of it is shown. */
export interface TailLine {
  /** Rises from line to line as they come. */
  readonly id: number
  readonly at: number
  readonly service: string
  readonly level: string | undefined
  readonly text: string
  readonly status: number | undefined
  readonly traceId: string | undefined
}

/** An error as it is listed. */
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
}

/** What all files together said so far: everything is bounded, and no line is kept. */
export class Journal {
  #tailIds = 0
  #revision = 1
  #withdrawals = 0
  readonly cells: Cells = new Cells()
  /** Requests and events of the lines that name their event. */
  readonly named: Timeline = this.timeline()
  readonly breakers: Breakers = new Breakers()
  readonly traces: TraceIndex = new TraceIndex()
  readonly tail: Latest<TailLine> = new Latest(TAIL_MAX)
  readonly errors: Latest<ErrorLine> = new Latest(ERRORS_MAX)

  /** A timeline that counts in the cells of this journal. */
  timeline(): Timeline {
    const timeline = new Timeline((cell) => this.cells.spare(cell))
    timeline.revision = this.#revision
    return timeline
  }

  /** Slots of time that change carry it. */
  get revision(): number {
    return this.#revision
  }

  /** How often something that had been counted was taken back. */
  get withdrawals(): number {
    return this.#withdrawals
  }

  /** From now on slots that change carry a higher revision. */
  raise(timelines: readonly Timeline[]): void {
    this.#revision += 1
    for (const timeline of timelines) timeline.revision = this.#revision
  }

  /** What a file counted does not count any more. */
  withdraw(): void {
    this.#withdrawals += 1
  }

  /** The newest line of the tail. */
  get newestTailId(): number {
    return this.#tailIds
  }

  nextTailId(): number {
    this.#tailIds += 1
    return this.#tailIds
  }
}
