/** A source of chance: numbers from 0, included, to 1, excluded, like `Math.random`. */
export type Random = () => number

/**
 * Chance that repeats: the same seed gives the same numbers, so that a demo or a failed test can be run again.
 * The generator is Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, enough for faults and jitter, not for
 * secrets.
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
