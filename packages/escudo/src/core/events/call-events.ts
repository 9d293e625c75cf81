import { reportOnce } from './report.ts'

/**
 * How a call of a shield ended.
 *
 * - `success`: with the operation's value, or a cached one.
 * - `degraded`: with a value, after a fallback or a stale value replaced a failure.
 * - `failure`: with an error that counts as a failure, such as a timeout.
 * - `ignored`: with an error that does not, such as a business error or a 404 of the dependency.
 * - `rejected`: with a refusal by a policy.
 * - `cancelled`: by its caller, or too late to begin.
 */
export type CallOutcome = 'success' | 'degraded' | 'failure' | 'ignored' | 'rejected' | 'cancelled'

/** All outcomes of a call. */
export const CALL_OUTCOMES: readonly CallOutcome[] = [
  'success',
  'degraded',
  'failure',
  'ignored',
  'rejected',
  'cancelled',
]

/** Watches the calls of every shield. If a watcher throws, this is reported once, and the call is not affected. */
export interface CallWatcher {
  /** A call has left its shield. The duration is in milliseconds on the shield's clock. */
  readonly ended?: (shield: string, outcome: CallOutcome, durationMs: number) => void
  /** A call has waited in the queue of a policy, and got a permit. */
  readonly waited?: (shield: string, policy: string, policyType: string, waitedMs: number) => void
}

// Replaced and never mutated, as in events.ts. Functions with plain arguments, because every call reports its end: an
// event object would cost more than the histogram that counts it.
let watchers: readonly CallWatcher[] = []
let endWatchers = 0

/**
 * Adds a watcher. One that watches nothing only has calls timed. What reports the ends of calls comes with `watchCalls` of
 * the engine.
 *
 * @returns a function that removes it
 */
export function addCallWatcher(watcher: CallWatcher): () => void {
  // Copied, so that the same watcher may be added twice.
  const added = { ...watcher }
  const update = (changed: readonly CallWatcher[]): void => {
    watchers = changed
    endWatchers = changed.filter(({ ended }) => ended !== undefined).length
  }
  update([...watchers, added])
  return () => update(watchers.filter((other) => other !== added))
}

/** Whether calls are watched. Every call asks this, so it is one comparison. */
export function hasCallWatchers(): boolean {
  return watchers.length > 0
}

/** Whether the ends of calls are watched. If not, no instant needs to be read for them. */
export function hasEndWatchers(): boolean {
  return endWatchers > 0
}

/** Reports that a call has left its shield. */
export function reportEnd(shield: string, outcome: CallOutcome, durationMs: number): void {
  for (const { ended } of watchers) {
    if (ended === undefined) continue
    try {
      ended(shield, outcome, durationMs)
    } catch (error) {
      reportOnce(ended, error)
    }
  }
}

/** Reports that a call has waited for a permit, and got it. */
export function reportWait(shield: string, policy: string, policyType: string, waitedMs: number): void {
  for (const { waited } of watchers) {
    if (waited === undefined) continue
    try {
      waited(shield, policy, policyType, waitedMs)
    } catch (error) {
      reportOnce(waited, error)
    }
  }
}
