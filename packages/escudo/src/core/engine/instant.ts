import type { Clock } from '../clock.ts'

// An outcome passes through all frames of a call at once (see frame.ts). The policies that it leaves on its way share one
// reading of the clock: it costs as much as a policy. Time passes between them only in listeners and classifiers. Theirs
// is then in no duration.

const instant: { of: Clock | undefined; ms: number } = { of: undefined, ms: 0 }

/**
 * The present instant, in milliseconds on the clock. Only for frames in `onValue` and `onFailure`: elsewhere nothing ends
 * the instant.
 */
export function instantMs(clock: Clock): number {
  if (instant.of === clock) return instant.ms
  instant.ms = clock.now()
  instant.of = clock
  return instant.ms
}

/** Ends the instant: an outcome has left its call, or the operation has run, which may have taken time. */
export function endInstant(): void {
  instant.of = undefined
}
