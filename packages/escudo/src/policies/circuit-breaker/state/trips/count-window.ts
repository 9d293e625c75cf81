import type { Window } from '../../../shared/state/window.ts'

// The first outcomes are the bits of one small integer, which needs no memory outside the object. 30 bits: not every
// build of V8 has small integers with more.
const INLINE_BITS = 30
const WORD_BITS = 32

/**
 * Counts hits among the last `size` outcomes.
 *
 * Its memory grows with the outcomes, because there may be one window for each of a million keys: without calls, a
 * window of a million outcomes is as small as any other.
 */
export class CountWindow implements Window {
  readonly #size: number
  /** A ring of one bit per outcome: a single integer at first, an array of words once the integer is full. */
  #bits: number | Uint32Array = 0
  /** The index in the ring at which the next outcome is written. */
  #next = 0
  #calls = 0
  #hits = 0

  constructor(size: number) {
    this.#size = size
  }

  get calls(): number {
    return this.#calls
  }

  get hits(): number {
    return this.#hits
  }

  record(hit: boolean): void {
    const index = this.#next
    if (this.#calls === this.#size) this.#hits -= this.#bitAt(index)
    else this.#calls += 1
    this.#write(index, hit)
    if (hit) this.#hits += 1
    this.#next = index + 1 === this.#size ? 0 : index + 1
  }

  /** Has no effect: this window does not depend on time. */
  advance(): void {}

  outcomes(): string {
    const first = this.#calls === this.#size ? this.#next : 0
    return Array.from({ length: this.#calls }, (_, age) => this.#bitAt((first + age) % this.#size)).join('')
  }

  clear(): void {
    this.#bits = 0
    this.#next = 0
    this.#calls = 0
    this.#hits = 0
  }

  #bitAt(index: number): number {
    const bits = this.#bits
    if (typeof bits === 'number') return (bits >>> index) & 1
    return ((bits[Math.floor(index / WORD_BITS)] as number) >>> (index % WORD_BITS)) & 1
  }

  #write(index: number, hit: boolean): void {
    if (typeof this.#bits === 'number' && index < INLINE_BITS) {
      this.#bits = hit ? this.#bits | (1 << index) : this.#bits & ~(1 << index)
      return
    }
    const words = this.#wordsFor(index)
    const wordIndex = Math.floor(index / WORD_BITS)
    const mask = 1 << (index % WORD_BITS)
    const word = words[wordIndex] as number
    words[wordIndex] = hit ? word | mask : word & ~mask
  }

  /** Returns words that contain the index. They double in size when they grow, so the cost per outcome is constant. */
  #wordsFor(index: number): Uint32Array {
    const bits = this.#bits
    if (typeof bits !== 'number' && index < bits.length * WORD_BITS) return bits
    const wordsMax = Math.ceil(this.#size / WORD_BITS)
    const grown = new Uint32Array(
      typeof bits === 'number' ? Math.min(2, wordsMax) : Math.min(bits.length * 2, wordsMax),
    )
    if (typeof bits === 'number') grown[0] = bits
    else grown.set(bits)
    this.#bits = grown
    return grown
  }
}
