import type { BreakerState, LastFailure } from '../../../core/events/events.ts'
import { OpenPeriod } from './open-period.ts'
import { Ramp, rampFrom } from './ramp.ts'
import { type BreakerSettings, type OpenPeriodSettings, openForMsMax } from './settings.ts'
import type { SavedCounts } from './trips/trip-rule.ts'

/**
 * The state of a circuit as plain data, for `JSON.stringify`.
 *
 * It contains durations and no instants, so that a process with another clock can continue from it. No time passes
 * between saving and restoring. The counts of a time window are not saved: a restored closed circuit counts from zero.
 */
export type SavedBreaker =
  | {
      readonly state: 'closed'
      /** How long the ramp has been running; absent without a ramp. */
      readonly rampedMs?: number
      /**
       * The counts of a trip that does not depend on time: consecutive failures, or a window of calls. One entry for each
       * trip of `anyTrip`, null where there is nothing to save. Absent without such a trip, or without calls.
       */
      readonly counts?: readonly (SavedCounts | null)[]
    }
  | { readonly state: 'isolated' | 'disabled' }
  | {
      /**
       * `half-open` is restored as `open` with an open period that has ended, because its probes were calls of the old
       * process.
       */
      readonly state: 'open' | 'half-open'
      /** The rest of the open period; 0 if half-open. */
      readonly remainingMs: number
      /** The time since the circuit opened. */
      readonly openedAgoMs: number
      /** The number of consecutive openings, from 1. The next open period grows from there. */
      readonly openings: number
      /** The count that opened the circuit. */
      readonly failures: number
      /** The number of calls among which `failures` were counted. */
      readonly calls: number
      /** Why the circuit opened. */
      readonly reason?: string
      /** The last failure before it opened. */
      readonly lastFailure?: SavedFailure
    }

/** A {@link LastFailure} with the time since in place of its instant. */
export interface SavedFailure {
  readonly name: string
  readonly code?: string
  readonly agoMs: number
}

type SavedOpenPeriod = Extract<SavedBreaker, { readonly openings: number }>

/** The state of a circuit as plain data. */
export function savedState(
  state: BreakerState,
  phase: OpenPeriod | Ramp | undefined,
  lastFailure: LastFailure | undefined,
  counts: readonly (SavedCounts | null)[] | undefined,
  now: number,
): SavedBreaker {
  if (phase !== undefined && !(phase instanceof Ramp)) return savedOpenPeriod(phase, lastFailure, now)
  if (state !== 'closed') return { state: state as 'isolated' | 'disabled' }
  return {
    state,
    ...(phase === undefined ? {} : { rampedMs: Math.max(0, now - phase.startedMs) }),
    ...(counts === undefined ? {} : { counts }),
  }
}

function savedOpenPeriod(openPeriod: OpenPeriod, lastFailure: LastFailure | undefined, now: number): SavedOpenPeriod {
  const { opening, openedMs, openUntilMs, failures, calls, reason, trial } = openPeriod
  return {
    state: trial === undefined ? 'open' : 'half-open',
    remainingMs: Math.max(0, openUntilMs - now),
    openedAgoMs: Math.max(0, now - openedMs),
    openings: opening,
    failures,
    calls,
    ...(reason === undefined ? {} : { reason }),
    ...(lastFailure === undefined ? {} : { lastFailure: savedFailure(lastFailure, now) }),
  }
}

function savedFailure({ name, code, at }: LastFailure, now: number): SavedFailure {
  return { name, ...(code === undefined ? {} : { code }), agoMs: Math.max(0, now - at) }
}

/** A state that continues from a saved one. */
interface RestoredState {
  readonly state: BreakerState
  readonly phase?: OpenPeriod | Ramp | undefined
  readonly lastFailure?: LastFailure | undefined
}

/** The state that a saved one continues as. */
export function restoredState(saved: SavedBreaker, settings: BreakerSettings, now: number): RestoredState {
  switch (saved.state) {
    case 'open':
    case 'half-open':
      return {
        state: 'open',
        phase: restoredOpenPeriod(saved, settings.openPeriod, now),
        lastFailure: restoredFailure(saved, now),
      }
    case 'closed':
      return {
        state: 'closed',
        phase: saved.rampedMs === undefined ? undefined : rampFrom(settings, now - saved.rampedMs),
      }
    default:
      return { state: saved.state }
  }
}

/** The open period that a saved one continues as; it never lasts longer than the settings allow. */
function restoredOpenPeriod(saved: SavedOpenPeriod, openPeriod: OpenPeriodSettings, now: number): OpenPeriod {
  const { openings, openedAgoMs, failures, calls, reason } = saved
  const remainingMs = Math.min(saved.remainingMs, openForMsMax(openPeriod))
  return new OpenPeriod(openings, now - openedAgoMs, now + remainingMs, failures, calls, reason)
}

/** The last failure of a saved open period; undefined if there is none. */
function restoredFailure({ lastFailure }: SavedOpenPeriod, now: number): LastFailure | undefined {
  if (lastFailure === undefined) return undefined
  const { name, code, agoMs } = lastFailure
  return { name, code, at: now - agoMs }
}
