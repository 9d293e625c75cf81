/** A longer name is not kept. */
const NAME_BYTES_MAX = 200
const BYTES_PER_NAME = 48

/**
 * Gives each distinct name in a byte stream a small number, from 1, without making a string of it.
 *
 * Its memory is fixed. Once it is full, new names get no number.
 */
export class ByteNames {
  readonly #max: number
  readonly #mask: number
  readonly #table: Uint16Array
  readonly #hashes: Int32Array
  readonly #starts: Int32Array
  readonly #bytes: Uint8Array
  #used = 0
  #count = 0

  /** `max` is at most 65,535. */
  constructor(max: number) {
    this.#max = max
    const size = 2 ** Math.ceil(Math.log2(max * 2))
    this.#mask = size - 1
    this.#table = new Uint16Array(size)
    this.#hashes = new Int32Array(max + 1)
    this.#starts = new Int32Array(max + 2)
    this.#bytes = new Uint8Array(max * BYTES_PER_NAME)
  }

  /** Whether there may be no room for another name. */
  get isFull(): boolean {
    return this.#count === this.#max || this.#used + NAME_BYTES_MAX > this.#bytes.length
  }

  /** Returns the number of the name between two offsets; 0 if it has none. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const table = this.#table
    for (let slot = (hash ^ (hash >>> 15)) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const number = table[slot] ?? 0
      if (number === 0) return 0
      if (this.#hashes[number] === hash && this.#isSame(number, bytes, start, end)) return number
    }
  }

  /** Gives a new name a number; 0 if there is no room. */
  add(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const length = end - start
    if (this.#count === this.#max || length > NAME_BYTES_MAX || this.#used + length > this.#bytes.length) return 0
    this.#count += 1
    const number = this.#count
    this.#hashes[number] = hash
    this.#bytes.set(bytes.subarray(start, end), this.#used)
    this.#used += length
    this.#starts[number + 1] = this.#used
    let slot = (hash ^ (hash >>> 15)) & this.#mask
    while (this.#table[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#table[slot] = number
    return number
  }

  /** Forgets all names. */
  clear(): void {
    this.#table.fill(0)
    this.#used = 0
    this.#count = 0
  }

  #isSame(number: number, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#starts[number] ?? 0
    const length = (this.#starts[number + 1] ?? 0) - own
    if (length !== end - start) return false
    const mine = this.#bytes
    for (let at = 0; at < length; at += 1) if (mine[own + at] !== bytes[start + at]) return false
    return true
  }
}
