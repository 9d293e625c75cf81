/**
 * A circuit's state as plain data, for `JSON.stringify`. Times are lengths and never instants of a clock, so another
 * process, whose clock began somewhere else, can go on from it. What a window counted is not saved: a restored circuit
 * that is closed counts from nothing. Time between saving and restoring does not pass for it.
 */
export type SavedBreaker =
  | {
      readonly state: 'closed'
      /** How long the ramp had been going on; absent when there was none. */
      readonly rampedMs?: number
    }
  | { readonly state: 'isolated' | 'disabled' }
  | {
      /** A half-open circuit comes back as one whose open time is over: its probes were calls of the old process. */
      readonly state: 'open' | 'half-open'
      /** How long it was still to stay open; 0 when half-open. */
      readonly remainingMs: number
      /** How long ago it opened. */
      readonly openedAgoMs: number
      /** Openings in a row, from 1: the next open time grows from there. */
      readonly openings: number
      /** The count that opened it. */
      readonly failures: number
      /** The calls among which they were counted. */
      readonly calls: number
    }
