import type { OpenLog } from '../tail/open-log.ts'
import { hashOf, TraceFilter } from './trace-filter.ts'

/** The bytes of a log that share one filter. */
export const BLOCK_BYTES = 1_048_576

/** The most memory for filters: enough for some sixteen gigabytes of logs. Beyond it the oldest are forgotten. */
export const FILTER_BYTES_MAX = 67_108_864

/** A stretch of whole lines in a file. */
export interface Block {
  readonly log: OpenLog
  readonly start: number
  readonly end: number
  /** Undefined as long as lines are added. */
  filter: TraceFilter | undefined
}

/** Which stretches of which files may hold lines of a trace: hashes and offsets, no line. */
export class TraceIndex {
  readonly #max: number
  #blocks: Block[] = []
  #bytes = 0
  #isComplete = true

  /** `bytesMax` bounds the memory of the filters. */
  constructor(bytesMax: number = FILTER_BYTES_MAX) {
    this.#max = bytesMax
  }

  /** Whether nothing had to be forgotten. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** The memory of all filters. */
  get bytes(): number {
    return this.#bytes
  }

  add(log: OpenLog, start: number, end: number, hashes: ReadonlySet<number>): void {
    if (hashes.size === 0) return
    const filter = new TraceFilter(hashes)
    if (this.#bytes + filter.bytes > this.#max) {
      this.#isComplete = false
      // The backfill goes from new to old: what it brings now is older than all that is kept.
      if (log.isBackfilling) return
      while (this.#blocks.length > 0 && this.#bytes + filter.bytes > this.#max) {
        this.#bytes -= this.#blocks.shift()?.filter?.bytes ?? 0
      }
    }
    this.#bytes += filter.bytes
    this.#blocks.push({ log, start, end, filter })
  }

  /** Forgets a file that is gone. */
  drop(log: OpenLog): void {
    this.#blocks = this.#blocks.filter((block) => block.log !== log)
    this.#bytes = this.#blocks.reduce((sum, { filter }) => sum + (filter?.bytes ?? 0), 0)
  }

  /** The stretches that may hold lines of this trace. */
  find(trace: string): readonly Block[] {
    const hash = hashOf(trace)
    return this.#blocks.filter(({ filter }) => filter?.mayHave(hash) ?? false)
  }
}
