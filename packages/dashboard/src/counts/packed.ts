/** A writer with as many bytes is full. */
const PIECE_BYTES = 262_144
const MORE = 128
const FLOAT_BYTES = 8

/**
 * Packs numbers into few bytes: most counts are small.
 *
 * Much is packed in pieces, so that it is never in memory as a whole: what packs it pauses whenever the writer is full, and
 * its caller takes the piece.
 */
export class PackedWriter {
  #bytes: Buffer
  #length = 0
  #taken = 0

  /** `first` is the room at first. */
  constructor(first: number = PIECE_BYTES + FLOAT_BYTES) {
    this.#bytes = Buffer.allocUnsafe(first)
  }

  /** What was packed and not taken. */
  get packed(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** The bytes that were packed, also those that were taken. */
  get total(): number {
    return this.#taken + this.#length
  }

  /** Whether a piece should be taken. */
  get isFull(): boolean {
    return this.#length >= PIECE_BYTES
  }

  /** Takes what was packed. It is valid until more is packed. */
  take(): Buffer {
    const { packed } = this
    this.#taken += this.#length
    this.#length = 0
    return packed
  }

  /** Adds an integer from 0 to 2^53 - 1. */
  integer(value: number): void {
    this.#reserve(FLOAT_BYTES)
    let rest = value
    while (rest >= MORE) {
      this.#bytes[this.#length] = (rest % MORE) + MORE
      this.#length += 1
      rest = Math.floor(rest / MORE)
    }
    this.#bytes[this.#length] = rest
    this.#length += 1
  }

  /** Adds any number. */
  number(value: number): void {
    this.#reserve(FLOAT_BYTES)
    this.#length = this.#bytes.writeDoubleLE(value, this.#length)
  }

  /** Adds bytes. */
  bytes(bytes: Uint8Array): void {
    this.integer(bytes.length)
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #reserve(more: number): void {
    const wanted = this.#length + more
    if (wanted <= this.#bytes.length) return
    const bytes = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, wanted))
    this.#bytes.copy(bytes, 0, 0, this.#length)
    this.#bytes = bytes
  }
}

/** Reads what {@link PackedWriter} packed, in the same order. */
export class PackedReader {
  #bytes: Buffer
  #at = 0
  #end: number
  readonly #read: (into: Buffer) => number

  /** `packed` is all that was packed, or reads its next bytes: it returns how many they are, 0 at the end. */
  constructor(packed: Uint8Array | ((into: Buffer) => number)) {
    if (packed instanceof Uint8Array) {
      this.#bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
      this.#end = packed.length
      this.#read = () => 0
    } else {
      this.#bytes = Buffer.allocUnsafe(PIECE_BYTES)
      this.#end = 0
      this.#read = packed
    }
  }

  /**
   * Returns the next integer.
   *
   * @throws RangeError after the end
   */
  integer(): number {
    let value = 0
    for (let scale = 1; ; scale *= MORE) {
      if (this.#at === this.#end) this.#fill(1)
      const byte = this.#bytes[this.#at] ?? 0
      this.#at += 1
      value += (byte % MORE) * scale
      if (byte < MORE) return value
    }
  }

  /**
   * Returns the next number.
   *
   * @throws RangeError after the end
   */
  number(): number {
    this.#fill(FLOAT_BYTES)
    const value = this.#bytes.readDoubleLE(this.#at)
    this.#at += FLOAT_BYTES
    return value
  }

  /**
   * Returns the next bytes, as a copy.
   *
   * @throws RangeError after the end
   */
  bytes(): Uint8Array {
    const length = this.integer()
    this.#fill(length)
    const start = this.#at
    this.#at += length
    return new Uint8Array(this.#bytes.subarray(start, this.#at))
  }

  /** Reads until there are so many bytes. */
  #fill(wanted: number): void {
    const left = this.#end - this.#at
    if (left >= wanted) return
    const before = this.#bytes
    if (wanted > before.length) this.#bytes = Buffer.allocUnsafe(wanted)
    before.copy(this.#bytes, 0, this.#at, this.#end)
    this.#at = 0
    this.#end = left
    while (this.#end < wanted) {
      const bytes = this.#read(this.#bytes.subarray(this.#end))
      if (bytes === 0) throw new RangeError('the packed numbers end too early')
      this.#end += bytes
    }
  }
}
