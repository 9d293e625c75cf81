const FIRST_BYTES = 65_536
const MORE = 128
const FLOAT_BYTES = 8

/** Thrown when what is packed has more bytes than its bound. */
class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}

/** Packs numbers into few bytes: most counts are small. */
export class PackedWriter {
  readonly #max: number
  #bytes: Buffer
  #length = 0

  /** `bytesMax` is the most bytes, `first` the room at first. */
  constructor(bytesMax: number, first: number = FIRST_BYTES) {
    this.#max = bytesMax
    this.#bytes = Buffer.allocUnsafe(first)
  }

  /** What was packed so far. */
  get packed(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /**
   * Adds an integer from 0 to 2^53 - 1.
   *
   * @throws TooLargeError beyond the bound
   */
  integer(value: number): void {
    this.#reserve()
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
    this.#reserve()
    this.#length = this.#bytes.writeDoubleLE(value, this.#length)
  }

  #reserve(): void {
    if (this.#length + FLOAT_BYTES <= this.#bytes.length) return
    if (this.#length > this.#max) throw new TooLargeError(`more than ${this.#max} bytes`)
    const bytes = Buffer.allocUnsafe(this.#bytes.length * 2)
    this.#bytes.copy(bytes)
    this.#bytes = bytes
  }
}

/** Reads what {@link PackedWriter} packed, in the same order. */
export class PackedReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(packed: Uint8Array) {
    this.#bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  }

  /** Whether something is left. */
  get hasMore(): boolean {
    return this.#at < this.#bytes.length
  }

  /**
   * Returns the next integer.
   *
   * @throws RangeError after the end
   */
  integer(): number {
    let value = 0
    for (let scale = 1; ; scale *= MORE) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) throw new RangeError('the packed numbers end too early')
      this.#at += 1
      value += (byte % MORE) * scale
      if (byte < MORE) return value
    }
  }

  /** Returns the next number. */
  number(): number {
    const value = this.#bytes.readDoubleLE(this.#at)
    this.#at += FLOAT_BYTES
    return value
  }
}
