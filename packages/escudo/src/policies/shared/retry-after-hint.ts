/**
 * Reads an error's `retryAfterMs`; undefined if it is missing, negative or not a number, or if reading it throws.
 *
 * Every failure comes here: without the helper that reads any key, which is slower.
 */
export function retryAfterHintMs(error: unknown): number | undefined {
  try {
    const { retryAfterMs } = (error ?? {}) as { readonly retryAfterMs?: unknown }
    return typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : undefined
  } catch {
    return undefined
  }
}
