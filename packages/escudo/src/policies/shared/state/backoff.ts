import type { Outcome } from '../../../core/outcome.ts'
import type { Random } from '../../../core/random.ts'

/**
 * Computes a delay that depends on how often something was tried: before each retry, or the open time of a circuit.
 *
 * Made by `constant`, `linear` or `exponential`; pure.
 */
export interface Backoff {
  /**
   * @param retry the number of the retry or of the consecutive opening, from 0
   * @param random the call's random source
   * @param previousMs the previous delay in milliseconds; undefined for the first one
   * @param outcome what the last attempt did: its error, or the value that a classifier rejected. Undefined for the open
   * time of a circuit
   * @returns the delay in milliseconds
   */
  delayMs(retry: number, random: Random, previousMs: number | undefined, outcome?: Outcome<unknown>): number
}
