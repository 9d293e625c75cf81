/** Lines that are sent together. */
export interface Batch {
  lines: string
  count: number
}

/** The lines that wait, in batches. It has a bound. */
export class LineQueue {
  readonly #batchLengthMax: number
  readonly #lengthMax: number
  readonly #batches: Batch[] = []
  /** The batch that is being sent. It takes no further lines, and waits until it has arrived. */
  #taken: Batch | undefined
  #length = 0
  #count = 0

  /** @param lengthMax how many characters wait at most, in all batches */
  constructor(batchLengthMax: number, lengthMax: number) {
    this.#batchLengthMax = batchLengthMax
    this.#lengthMax = lengthMax
  }

  /** How many lines wait. */
  get count(): number {
    return this.#count
  }

  /** Whether a batch is full, so that it is sent without a delay. */
  get hasFullBatch(): boolean {
    const [first] = this.#batches
    return this.#batches.length > 1 || (first !== undefined && first.lines.length >= this.#batchLengthMax)
  }

  /** Adds a line; returns false if there is no room. */
  add(line: string): boolean {
    const { length } = line
    if (this.#length + length > this.#lengthMax) return false
    const last = this.#batches.at(-1)
    if (last === undefined || last.lines.length + length > this.#batchLengthMax) {
      this.#batches.push({ lines: line, count: 1 })
    } else {
      last.lines += line
      last.count += 1
    }
    this.#length += length
    this.#count += 1
    return true
  }

  /** The oldest batch, to send it. The same one again until {@link drop}. */
  take(): Batch | undefined {
    this.#taken ??= this.#batches.shift()
    return this.#taken
  }

  /** Removes the oldest batch: it has arrived, or is lost. */
  drop(): void {
    const batch = this.take()
    this.#taken = undefined
    if (batch === undefined) return
    this.#length -= batch.lines.length
    this.#count -= batch.count
  }

  /** All batches, oldest first. */
  all(): readonly Batch[] {
    return this.#taken === undefined ? this.#batches : [this.#taken, ...this.#batches]
  }
}
