import { read } from '../../errors/safe-read.ts'

/** Reads an error's `retryAfterMs`; undefined if it is missing, negative or not a number. */
export function retryAfterHintMs(error: unknown): number | undefined {
  const retryAfterMs = read(error, 'retryAfterMs')
  return typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : undefined
}
