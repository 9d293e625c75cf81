import { instanceName } from '../counts/watch/instances.ts'
import type { BreakerFacts, ServiceFacts } from './situation.ts'
import type { Thresholds } from './thresholds.ts'

const WINDOW_MS = 60_000
/** A process that wrote nothing for so long, while one of another instance did, was replaced by that one. */
const REPLACED_MS = 60_000
const HAS_PID = /\/\d+(\/|$)/

/**
 * Whether the state of a breaker is still known: its process is still the one that runs.
 *
 * A breaker is in the memory of its process. A start makes its state unknown, and so does another process that took over.
 */
export function isKnown({ process, changedAt }: BreakerFacts, facts: ServiceFacts): boolean {
  return endedAt(process, changedAt, facts) === undefined
}

/** When the process that was there at a moment was replaced; undefined if it was not. */
export function endedAt(
  process: string | undefined,
  moment: number,
  { processes, starts }: Pick<ServiceFacts, 'processes' | 'starts'>,
): number | undefined {
  const own = processes.find(({ id }) => id === process)
  if (own === undefined) return earliest(starts.filter((start) => start > moment))
  // Several processes of one service run at the same time. One that only began after the last line of this one replaces it.
  const later = processes.filter(({ id, firstAt, lastAt }) => {
    if (id === own.id || firstAt <= (isSame(id, own.id) ? moment : Math.max(own.lastAt, moment))) return false
    // One of another instance may only have begun while this one had nothing to log.
    return isOfInstance(id, own.id) || lastAt > own.lastAt + REPLACED_MS
  })
  return earliest(later.map(({ firstAt }) => firstAt))
}

/** Whether two processes can be of one instance. A name without a process id may be new at each start. */
function isOfInstance(id: string, other: string): boolean {
  return instanceName(id) === instanceName(other) || !HAS_PID.test(id) || !HAS_PID.test(other)
}

function earliest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times)
}

/** Whether two ids are of one process: its start line also names the start time, which its other lines lack. */
function isSame(a: string, b: string): boolean {
  return a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
}

/** Returns when the service was last restarted within 60 seconds; undefined if it was not. */
export function restartedAt(facts: ServiceFacts, now: number, { restartWithinMs }: Thresholds): number | undefined {
  const { processes, minutes } = facts
  const isRecent = (at: number): boolean => at > now - WINDOW_MS && at <= now + WINDOW_MS
  const followsAnother = (at: number): boolean => {
    // Most lines do not name their process, but a request shows that one ran.
    const isWithin = (last: number): boolean => Math.min(last, at) >= at - restartWithinMs
    const started = processes.find(({ firstAt }) => firstAt === at)?.id
    const isOneOfSeveral = started !== undefined && processes.some(({ id }) => !isOfInstance(id, started))
    if (!isOneOfSeveral && minutes.some(({ firstAt, lastAt }) => firstAt < at && isWithin(lastAt))) return true
    return processes.some(
      ({ id, firstAt, lastAt }) =>
        firstAt < at &&
        lastAt >= at - restartWithinMs &&
        // A process may write lines before the one that reports its start.
        (started === undefined || (isOfInstance(id, started) && !isSame(id, started))),
    )
  }
  const byLine = facts.starts.findLast((at) => isRecent(at) && followsAnother(at))
  if (byLine !== undefined) return byLine
  const fresh = processes.find(
    ({ id, firstAt }) =>
      isRecent(firstAt) &&
      // The first line of a process that names itself ends nothing, if the lines before named none.
      processes.some(
        (other) =>
          other.id !== id &&
          !isSame(other.id, id) &&
          // The start of another instance is no restart.
          isOfInstance(other.id, id) &&
          other.lastAt < firstAt &&
          other.lastAt >= firstAt - restartWithinMs,
      ),
  )
  return fresh?.firstAt
}
