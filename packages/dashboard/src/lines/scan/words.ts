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

/** A short text that is compared with bytes. */
export class Literal {
  readonly length: number
  readonly #words: Int32Array
  readonly #rest: number
  readonly #mask: number

  /** `bytes` are ASCII. */
  constructor(bytes: Uint8Array) {
    this.length = bytes.length
    const whole = bytes.length >>> 2
    const padded = new Uint8Array(whole * 4 + 4)
    padded.set(bytes)
    const view = new DataView(padded.buffer)
    this.#words = Int32Array.from({ length: whole }, (_, index) => view.getInt32(index * 4, true))
    this.#rest = view.getInt32(whole * 4, true)
    // A shift by 32 shifts by 0.
    this.#mask = bytes.length % 4 === 0 ? 0 : -1 >>> (32 - (bytes.length % 4) * 8)
  }

  /** Whether the text is at an offset. */
  isAt(view: DataView, at: number): boolean {
    const words = this.#words
    let offset = at
    for (let index = 0; index < words.length; index += 1) {
      if (view.getInt32(offset, true) !== words[index]) return false
      offset += 4
    }
    return (view.getInt32(offset, true) & this.#mask) === this.#rest
  }
}
