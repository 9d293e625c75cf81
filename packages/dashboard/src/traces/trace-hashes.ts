const FIRST_SLOTS = 16

/**
 * A set of hashes of traces.
 *
 * Its memory is used again for each block of a file. A `Set` would be 50 kB of garbage for each.
 */
export class TraceHashes {
  /** Positions in `#values`, plus 1; 0 for an empty slot. There are twice as many slots as values. */
  #slots = new Int32Array(FIRST_SLOTS)
  #values = new Int32Array(FIRST_SLOTS / 2)
  #size = 0

  constructor(hashes: Iterable<number> = []) {
    for (const hash of hashes) this.add(hash)
  }

  /** The number of different hashes. */
  get size(): number {
    return this.#size
  }

  /** All hashes, in the order in which they were added. Valid until the next change. */
  get values(): Int32Array {
    return this.#values.subarray(0, this.#size)
  }

  has(hash: number): boolean {
    return this.#slots[this.#slotOf(hash)] !== 0
  }

  /** Adds a hash. It is an integer of 32 bits. */
  add(hash: number): void {
    const slot = this.#slotOf(hash)
    if (this.#slots[slot] !== 0) return
    this.#values[this.#size] = hash
    this.#size += 1
    this.#slots[slot] = this.#size
    if (this.#size === this.#values.length) this.#grow()
  }

  /** Removes all hashes. */
  clear(): void {
    this.#slots.fill(0)
    this.#size = 0
  }

  /** Returns the slot of a hash, or the empty one that it would get. */
  #slotOf(hash: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hash & mask
    for (let position = slots[slot] ?? 0; position !== 0; position = slots[slot] ?? 0) {
      if (this.#values[position - 1] === hash) break
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    const values = this.#values
    this.#values = new Int32Array(values.length * 2)
    this.#values.set(values)
    this.#slots = new Int32Array(values.length * 4)
    for (let index = 0; index < values.length; index += 1) this.#slots[this.#slotOf(values[index] ?? 0)] = index + 1
  }
}
