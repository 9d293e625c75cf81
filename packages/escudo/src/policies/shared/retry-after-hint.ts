import { read } from '../../errors/safe-read.ts'

/** Reads an error's `retryAfterMs`; undefined when it is missing, negative or no number. */
export function retryAfterHintMs(error: unknown): number | undefined {
  const retryAfterMs = read(error, 'retryAfterMs')
  return typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : undefined
}
