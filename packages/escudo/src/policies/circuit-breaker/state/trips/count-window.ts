import type { Window } from '../../../shared/state/window.ts'

// So many outcomes are bits of one small integer, which stands in the window itself: 30, since a bit more is no small
// integer on every build of V8.
const INLINE_BITS = 30
const WORD_BITS = 32

/**
 * The last `size` outcomes. It takes memory as outcomes come: a window of a million costs nothing before there are
 * calls, for there may be one for each of a million keys.
 */
export class CountWindow implements Window {
  readonly #size: number
  /** One bit for each outcome, by its place in the ring: an integer at first, words once that is full. */
  #bits: number | Uint32Array = 0
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
    const place = this.#next
    if (this.#calls === this.#size) this.#hits -= this.#bitAt(place)
    else this.#calls += 1
    this.#write(place, hit)
    if (hit) this.#hits += 1
    this.#next = place + 1 === this.#size ? 0 : place + 1
  }

  /** Time means nothing to it. */
  advance(): void {}

  clear(): void {
    this.#bits = 0
    this.#next = 0
    this.#calls = 0
    this.#hits = 0
  }

  #bitAt(place: number): number {
    const bits = this.#bits
    if (typeof bits === 'number') return (bits >>> place) & 1
    return ((bits[Math.floor(place / WORD_BITS)] as number) >>> (place % WORD_BITS)) & 1
  }

  #write(place: number, hit: boolean): void {
    if (typeof this.#bits === 'number' && place < INLINE_BITS) {
      this.#bits = hit ? this.#bits | (1 << place) : this.#bits & ~(1 << place)
      return
    }
    const words = this.#wordsFor(place)
    const index = Math.floor(place / WORD_BITS)
    const mask = 1 << (place % WORD_BITS)
    const word = words[index] as number
    words[index] = hit ? word | mask : word & ~mask
  }

  /** Words with room for that place: they double as they grow, so that an outcome costs the same on average. */
  #wordsFor(place: number): Uint32Array {
    const bits = this.#bits
    if (typeof bits !== 'number' && place < bits.length * WORD_BITS) return bits
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
