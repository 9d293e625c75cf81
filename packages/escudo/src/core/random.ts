/** A source of random numbers from 0 (included) to 1 (excluded), like `Math.random`. */
export type Random = () => number

/**
 * Creates a random source that repeats: the same seed gives the same numbers.
 *
 * Use it to repeat a demo or a failed test. The generator is Mulberry32 (Tommy Ettinger, public domain). Its 32 bits of
 * state are enough for faults and jitter, but not for secrets.
 *
 * @param seed any whole number; only its lowest 32 bits count
 * @example
 * ```ts
 * import { seededRandom } from 'escudo'
 *
 * const first = seededRandom(7)
 * const second = seededRandom(7)
 * console.log(first() === second()) // true
 * ```
 */
export function seededRandom(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
