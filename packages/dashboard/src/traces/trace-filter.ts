import type { TraceHashes } from './trace-hashes.ts'

/** Bits per trace. With five probes, about one lookup in 250 is a false positive. */
const BITS_PER_TRACE = 12
const PROBES = 5

/** The hash of no characters, before the final mix. */
export const HASH_START = 0x811c9dc5 | 0

/** Adds four characters to a hash: their codes as bytes, the first one lowest. */
export function addToHash(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}

/** Returns the hash of a text of `length` characters, whose last 0 to 3 are in `rest`. */
export function finishHash(hash: number, rest: number, length: number): number {
  return mixed(addToHash(hash, rest) ^ length)
}

/** Returns a 32-bit hash of a text. It takes four characters at a time, so that a scanner can do so with bytes. */
export function hashOf(text: string): number {
  const { length } = text
  let hash = HASH_START
  let at = 0
  for (; at + 4 <= length; at += 4) hash = addToHash(hash, wordOf(text, at, 4))
  return finishHash(hash, wordOf(text, at, length - at), length)
}

function wordOf(text: string, at: number, characters: number): number {
  let word = 0
  for (let index = 0; index < characters; index += 1) {
    const code = text.charCodeAt(at + index)
    word |= ((code ^ (code >>> 8)) & 0xff) << (index * 8)
  }
  return word
}

/**
 * A Bloom filter of trace ids.
 *
 * It answers "absent" or "possibly present", and takes 1.5 bytes per trace.
 */
export class TraceFilter {
  readonly #bits: Uint8Array

  /** Takes the hashes, or the bits of another filter. */
  constructor(hashes: TraceHashes | Uint8Array) {
    if (hashes instanceof Uint8Array) {
      this.#bits = hashes
      return
    }
    this.#bits = new Uint8Array(Math.ceil((Math.max(1, hashes.size) * BITS_PER_TRACE) / 8))
    const bits = this.#bits.length * 8
    const { values } = hashes
    for (let index = 0; index < values.length; index += 1) {
      let probe = values[index] ?? 0
      for (let i = 0; i < PROBES; i += 1) {
        const bit = (probe >>> 0) % bits
        this.#bits[bit >>> 3] = (this.#bits[bit >>> 3] ?? 0) | (1 << (bit & 7))
        probe = mixed(probe + 0x9e3779b9)
      }
    }
  }

  get bits(): Uint8Array {
    return this.#bits
  }

  /** Its size in memory, in bytes. */
  get bytes(): number {
    return this.#bits.length
  }

  /** Whether the trace may be present. False means that it is absent. */
  mayHave(hash: number): boolean {
    const bits = this.#bits.length * 8
    let probe = hash
    for (let i = 0; i < PROBES; i += 1) {
      const bit = (probe >>> 0) % bits
      if (((this.#bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false
      probe = mixed(probe + 0x9e3779b9)
    }
    return true
  }
}

function mixed(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
