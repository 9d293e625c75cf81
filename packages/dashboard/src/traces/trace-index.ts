import type { PackedReader, PackedWriter } from '../counts/packed.ts'
import type { OpenLog } from '../tail/open-log.ts'
import { hashOf, TraceFilter } from './trace-filter.ts'
import type { TraceHashes } from './trace-hashes.ts'

/** The bytes of a log that one filter covers. */
export const BLOCK_BYTES = 1_048_576

/** The most memory for filters, enough for about 16 GB of logs. Beyond it the oldest filters are dropped. */
const FILTER_BYTES_MAX = 67_108_864

/** A range of complete lines in a file. */
export interface Block {
  readonly log: OpenLog
  readonly start: number
  readonly end: number
  /** Undefined while lines are still being added. */
  filter: TraceFilter | undefined
}

/** Finds the blocks of files that may hold lines of a trace. Stores filters and offsets, never lines. */
export class TraceIndex {
  readonly #max: number
  #blocks: Block[] = []
  #bytes = 0
  #isComplete = true

  /** `bytesMax` limits the memory of the filters. */
  constructor(bytesMax: number = FILTER_BYTES_MAX) {
    this.#max = bytesMax
  }

  /** Whether no block was dropped for lack of memory. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** The memory of all filters, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Packs all filters of now. Yields whenever `into` is full.
   *
   * What is added or dropped between two steps changes nothing: a filter is complete once it is here.
   */
  pack(into: PackedWriter): Generator<void> {
    const blocks = this.#blocks.filter(({ filter }) => filter !== undefined)
    return packFilters(blocks, this.#isComplete, into)
  }

  /** Takes the filters that {@link pack} packed. `logs` are the open files by their numbers. */
  restore(from: PackedReader, logs: ReadonlyMap<number, OpenLog>): void {
    this.#isComplete = from.integer() === 1
    for (let left = from.integer(); left > 0; left -= 1) {
      const log = logs.get(from.integer())
      const [start, end, bits] = [from.integer(), from.integer(), from.bytes()]
      if (log === undefined) continue
      this.#blocks.push({ log, start, end, filter: new TraceFilter(bits) })
      this.#bytes += bits.length
    }
  }

  /** Adds a block. Beyond the memory limit it drops the oldest blocks, during a backfill the new one. */
  add(log: OpenLog, start: number, end: number, hashes: TraceHashes): void {
    if (hashes.size === 0) return
    const filter = new TraceFilter(hashes)
    if (this.#bytes + filter.bytes > this.#max) {
      this.#isComplete = false
      // The backfill reads from new to old, so this block is older than every kept one.
      if (log.isBackfilling) return
      while (this.#blocks.length > 0 && this.#bytes + filter.bytes > this.#max) {
        this.#bytes -= this.#blocks.shift()?.filter?.bytes ?? 0
      }
    }
    this.#bytes += filter.bytes
    this.#blocks.push({ log, start, end, filter })
  }

  /** Removes the blocks of a file that can no longer be read. */
  drop(log: OpenLog): void {
    this.#blocks = this.#blocks.filter((block) => block.log !== log)
    this.#bytes = this.#blocks.reduce((sum, { filter }) => sum + (filter?.bytes ?? 0), 0)
  }

  /** Returns the blocks that may hold lines of a trace. */
  find(trace: string): readonly Block[] {
    const hash = hashOf(trace)
    return this.#blocks.filter(({ filter }) => filter?.mayHave(hash) ?? false)
  }
}

/** Logs are named by their numbers. */
function* packFilters(blocks: readonly Block[], isComplete: boolean, into: PackedWriter): Generator<void> {
  into.integer(isComplete ? 1 : 0)
  into.integer(blocks.length)
  for (const { log, start, end, filter } of blocks) {
    for (const number of [log.number, start, end]) into.integer(number)
    into.bytes(filter?.bits ?? new Uint8Array(0))
    if (into.isFull) yield
  }
}
