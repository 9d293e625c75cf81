/**
 * Looks at four bytes at a time, little-endian. A loop over single bytes takes twice as long.
 *
 * A view must reach {@link SLACK_BYTES} beyond the bytes that are looked at.
 */
export const SLACK_BYTES = 64

const LOWS = 0x01010101
const HIGHS = 0x80808080 | 0
const QUOTES = 0x22222222
const ESCAPES = 0x5c5c5c5c
const SPACES = 0x20202020

/** Returns 0 if four bytes may be inside a text as they are: no quote, no escape, no control character. */
export function endsText(word: number): number {
  const quotes = word ^ QUOTES
  const escapes = word ^ ESCAPES
  return (((quotes - LOWS) & ~quotes) | ((escapes - LOWS) & ~escapes) | ((word - SPACES) & ~word)) & HIGHS
}

/** Returns 0 if they may, and are ASCII. */
export function endsAscii(word: number): number {
  const quotes = word ^ QUOTES
  const escapes = word ^ ESCAPES
  return ((quotes - LOWS) | (escapes - LOWS) | (word - SPACES) | word) & HIGHS
}

/** Returns how many bytes are before the one that {@link endsText} or {@link endsAscii} found: only that one is certain. */
export function bytesBefore(found: number): number {
  return (31 - Math.clz32(found & -found)) >>> 3
}

const LONG = 8
const NO_WORDS = new Float64Array(0)

/**
 * A short text that is compared with bytes.
 *
 * Eight bytes at a time are compared as one number. That is exact: text has no bytes that make it zero or no number.
 */
export class Literal {
  readonly length: number
  /** Its words of eight bytes, without the last one. */
  readonly #words: Float64Array
  /** Its last eight bytes. */
  readonly #tail: number
  // Of a text with less than eight bytes.
  readonly #first: number
  readonly #firstMask: number
  readonly #second: number
  readonly #secondMask: number

  constructor(bytes: Uint8Array) {
    const { length } = bytes
    const padded = new Uint8Array(Math.max(length, LONG))
    padded.set(bytes)
    const view = new DataView(padded.buffer)
    this.length = length
    const words = length <= LONG ? NO_WORDS : new Float64Array(Math.ceil(length / LONG) - 1)
    for (let index = 0; index < words.length; index += 1) words[index] = view.getFloat64(index * LONG, true)
    this.#words = words
    this.#tail = view.getFloat64(padded.length - LONG, true)
    this.#first = view.getInt32(0, true)
    this.#firstMask = maskOf(Math.min(length, 4))
    this.#second = view.getInt32(4, true)
    this.#secondMask = maskOf(Math.min(Math.max(length - 4, 0), 4))
  }

  /** Whether the text is at an offset. */
  isAt(view: DataView, at: number): boolean {
    const { length } = this
    if (length < LONG)
      return (
        (view.getInt32(at, true) & this.#firstMask) === this.#first &&
        (view.getInt32(at + 4, true) & this.#secondMask) === this.#second
      )
    const words = this.#words
    // In order: beyond the first difference, there may be no memory.
    for (let index = 0; index < words.length; index += 1)
      if (view.getFloat64(at + index * LONG, true) !== words[index]) return false
    return view.getFloat64(at + length - LONG, true) === this.#tail
  }
}

/** The bits of the first bytes of a word. */
function maskOf(bytes: number): number {
  // A shift by 32 shifts by 0.
  return bytes === 0 ? 0 : (-1 >>> (32 - bytes * 8)) | 0
}
