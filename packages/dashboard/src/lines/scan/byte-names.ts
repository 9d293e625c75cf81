/** A longer name is not kept. */
const NAME_BYTES_MAX = 200
const WORDS_MAX = NAME_BYTES_MAX / 4 + 1
const WORDS_PER_NAME = 12

/** Names that a scanner looks up: where the bytes are, and what it knows of them already. */
export interface Name {
  start: number
  end: number
  hash: number
  /** The last 0 to 3 bytes, the first one lowest. */
  rest: number
}

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
  readonly #lengths: Uint8Array
  readonly #starts: Int32Array
  readonly #words: Int32Array
  #used = 0
  #count = 0

  /** `max` is at most 65,535. */
  constructor(max: number) {
    this.#max = max
    const size = 2 ** Math.ceil(Math.log2(max * 2))
    this.#mask = size - 1
    this.#table = new Uint16Array(size)
    this.#hashes = new Int32Array(max + 1)
    this.#lengths = new Uint8Array(max + 1)
    this.#starts = new Int32Array(max + 1)
    this.#words = new Int32Array(max * WORDS_PER_NAME)
  }

  /** Whether there may be no room for another name. */
  get isFull(): boolean {
    return this.#count === this.#max || this.#used + WORDS_MAX > this.#words.length
  }

  /** Returns the number of a name; 0 if it has none. */
  find(view: DataView, name: Name): number {
    const table = this.#table
    const { hash } = name
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const number = table[slot] ?? 0
      if (number === 0) return 0
      if (this.#hashes[number] === hash && this.#isSame(number, view, name)) return number
    }
  }

  /** Gives a new name a number; 0 if there is no room. */
  add(view: DataView, { start, end, hash, rest }: Name): number {
    const length = end - start
    if (length > NAME_BYTES_MAX || this.isFull) return 0
    this.#count += 1
    const number = this.#count
    this.#hashes[number] = hash
    this.#lengths[number] = length
    this.#starts[number] = this.#used
    for (let at = start; at + 4 <= end; at += 4) {
      this.#words[this.#used] = view.getInt32(at, true)
      this.#used += 1
    }
    this.#words[this.#used] = rest
    this.#used += 1
    let slot = hash & this.#mask
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

  #isSame(number: number, view: DataView, { start, end, rest }: Name): boolean {
    if (this.#lengths[number] !== end - start) return false
    const words = this.#words
    let own = this.#starts[number] ?? 0
    for (let at = start; at + 4 <= end; at += 4) {
      if (words[own] !== view.getInt32(at, true)) return false
      own += 1
    }
    return words[own] === rest
  }
}
