import { synchronous } from '../errors/options/synchronous.ts'
import { ConfigurationError } from './options/configuration-error.ts'
import { show } from './options/durations.ts'
import { wholeNumber } from './options/options.ts'

/** A source of random numbers from 0 (included) to 1 (excluded), like `Math.random`. */
export type Random = () => number

/**
 * Reads one number from a source of random numbers.
 *
 * @throws ConfigurationError if a custom source returns anything else
 */
export function drawFrom(random: Random): number {
  const number: unknown = random()
  if (typeof number === 'number') return number
  const path = 'shield.random'
  throw new ConfigurationError(path, `expected a number, but it returned ${show(synchronous(number, path))}`)
}

/**
 * Creates a random source that repeats: the same seed gives the same numbers.
 *
 * Use it to repeat a demo or a failed test. The generator is Mulberry32 (Tommy Ettinger, public domain). Its 32 bits of
 * state are enough for faults and jitter, but not for secrets.
 *
 * @param seed any whole number; only its lowest 32 bits count
 * @throws ConfigurationError for anything else
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
  let state = wholeNumber(seed, 'seededRandom.seed', Number.MIN_SAFE_INTEGER) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
