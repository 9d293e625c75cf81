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

/** How many words of a literal are fields. */
const FIELDS = 4

/** A short text that is compared with bytes. */
export class Literal {
  readonly length: number
  // The first words as fields: a loop over an array takes twice as long.
  readonly #whole: number
  readonly #first: number
  readonly #second: number
  readonly #third: number
  readonly #fourth: number
  readonly #others: Int32Array
  readonly #rest: number
  readonly #mask: number

  /** `bytes` are ASCII. */
  constructor(bytes: Uint8Array) {
    this.length = bytes.length
    const whole = bytes.length >>> 2
    const padded = new Uint8Array(whole * 4 + 4)
    padded.set(bytes)
    const view = new DataView(padded.buffer)
    const words = Int32Array.from({ length: whole }, (_, index) => view.getInt32(index * 4, true))
    this.#whole = whole
    this.#first = words[0] ?? 0
    this.#second = words[1] ?? 0
    this.#third = words[2] ?? 0
    this.#fourth = words[3] ?? 0
    this.#others = words.subarray(FIELDS)
    this.#rest = view.getInt32(whole * 4, true)
    // A shift by 32 shifts by 0.
    this.#mask = bytes.length % 4 === 0 ? 0 : -1 >>> (32 - (bytes.length % 4) * 8)
  }

  /** Whether the text is at an offset. */
  isAt(view: DataView, at: number): boolean {
    const whole = this.#whole
    if (whole > 0 && view.getInt32(at, true) !== this.#first) return false
    if (whole > 1 && view.getInt32(at + 4, true) !== this.#second) return false
    if (whole > 2 && view.getInt32(at + 8, true) !== this.#third) return false
    if (whole > 3 && view.getInt32(at + 12, true) !== this.#fourth) return false
    for (let index = FIELDS; index < whole; index += 1)
      if (view.getInt32(at + index * 4, true) !== this.#others[index - FIELDS]) return false
    return (view.getInt32(at + whole * 4, true) & this.#mask) === this.#rest
  }
}
