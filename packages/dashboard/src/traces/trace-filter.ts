/** Bits per trace. With five probes, about one lookup in 250 is a false positive. */
const BITS_PER_TRACE = 12
const PROBES = 5

/** Returns a 32-bit hash: FNV-1a over UTF-16 code units, with a final mix. */
export function hashOf(trace: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < trace.length; i += 1) hash = Math.imul(hash ^ trace.charCodeAt(i), 0x01000193)
  return mixedHash(hash)
}

/**
 * A Bloom filter of trace ids.
 *
 * It answers "absent" or "possibly present", and takes 1.5 bytes per trace.
 */
export class TraceFilter {
  readonly #bits: Uint8Array

  constructor(hashes: ReadonlySet<number>) {
    this.#bits = new Uint8Array(Math.ceil((Math.max(1, hashes.size) * BITS_PER_TRACE) / 8))
    const bits = this.#bits.length * 8
    for (const hash of hashes) {
      let probe = hash
      for (let i = 0; i < PROBES; i += 1) {
        const bit = (probe >>> 0) % bits
        this.#bits[bit >>> 3] = (this.#bits[bit >>> 3] ?? 0) | (1 << (bit & 7))
        probe = mixedHash(probe + 0x9e3779b9)
      }
    }
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
      probe = mixedHash(probe + 0x9e3779b9)
    }
    return true
  }
}

/** The final mix of {@link hashOf}, for a hash that was computed elsewhere. */
export function mixedHash(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
