import type { OpenLog } from '../tail/open-log.ts'

/** Where a line is: the open file, an offset where a line begins, lines after it, and records within the line. */
export type LineRef = readonly [log: number, offset: number, lines: number, record: number]

/**
 * Where the line is that is being read.
 *
 * It counts lines from an offset on. The offset of each line would need its length in bytes.
 */
export class LinePlace {
  readonly #log: number
  readonly #offset: number
  #lines = -1
  /** The record within the line. */
  record = 0

  /** `offset` is where the next line begins. */
  constructor(log: OpenLog, offset: number) {
    this.#log = log.number
    this.#offset = offset
  }

  /** The number of the line after the offset. */
  get line(): number {
    return this.#lines
  }

  /** Returns the place of a line by its number. */
  refOf(line: number): LineRef {
    return [this.#log, this.#offset, line, 0]
  }

  /** Moves to the next line. */
  next(): void {
    this.#lines += 1
    this.record = 0
  }

  /** Returns the place of the record. */
  get ref(): LineRef {
    return [this.#log, this.#offset, this.#lines, this.record]
  }
}
