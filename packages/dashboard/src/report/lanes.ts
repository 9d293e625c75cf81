import type { BreakerHistory, Change } from '../counts/breakers.ts'
import { coreOf } from '../counts/watch/core-of.ts'
import type { ServiceWatch } from '../counts/watch/service-watch.ts'
import type { Journal } from '../journal/journal.ts'
import { endedAt } from '../verdict/processes.ts'
import type { Health } from './health.ts'
import type { Range } from './summary.ts'
import type { Sum } from './sums.ts'

/** A breaker, its changes within the range, and what it did in the range. */
export interface Lane {
  readonly service: string
  readonly shield: string
  readonly policy: string
  readonly state: string
  readonly since: number | undefined
  /** Its state at the start of the range. */
  readonly before: string
  readonly changes: readonly LaneChange[]
  /** Calls that it refused in the range. */
  readonly refusals: number
  /** The requests in the range to the service that it protects, if that service has a log. */
  readonly callee: { readonly service: string; readonly requests: number; readonly failures: number } | null
  /** When an open breaker tries a call again; null if nothing tells it. */
  readonly probe: { readonly at: number; readonly isEstimate: boolean } | null
}

/** A change of state. `failures` of `calls` opened the breaker; `reason` is `restart` where the state became unknown. */
export interface LaneChange extends Omit<Change, 'process'> {}

const RESTART = 'restart'

/**
 * Returns the lanes of a range. A breaker's state lives as long as its process: after that it is unknown.
 *
 * `answered` is what each service answered in the range.
 */
export function lanesOf(
  files: { readonly journal: Pick<Journal, 'breakers' | 'services'> },
  range: Range,
  health: Health,
  answered: ReadonlyMap<string, Pick<Sum, 'requests' | 'serverErrors'>>,
): Lane[] {
  const { breakers, services } = files.journal
  return breakers.all.map((breaker) => {
    const watch = services.all.find(({ name }) => name === breaker.service)
    // The verdict needs a breaker's history by the clock of its service. The page shows it where it shows the lines.
    const aheadMs = watch?.shift.ms ?? 0
    const own = { from: range.from + aheadMs, to: range.to + aheadMs }
    const changes = withRestarts(breaker.changes.items, watch)
    const within = changes.filter(({ at }) => at >= own.from && at < own.to)
    const before = changes.findLast(({ at }) => at < own.from)?.to ?? changes[0]?.from ?? breaker.state
    const state = breakerState(breaker, health)
    const core = coreOf(breaker.shield)
    const callee = services.all.find((other) => other.name !== breaker.service && other.core === core)
    const since = state === 'unknown' ? (changes.at(-1)?.at ?? breaker.since) : breaker.since
    const probe = state === 'open' ? probeOf(breaker) : null
    const totals = callee === undefined ? undefined : answered.get(callee.name)
    return {
      service: breaker.service,
      shield: breaker.shield,
      policy: breaker.policy,
      state,
      since: since === undefined ? undefined : since - aheadMs,
      before,
      changes: within.map(({ process: _, ...change }) => ({ ...change, at: change.at - aheadMs })),
      refusals: breaker.refusals.between(own.from, own.to),
      callee:
        callee === undefined
          ? null
          : { service: callee.name, requests: totals?.requests ?? 0, failures: totals?.serverErrors ?? 0 },
      probe: probe === null ? null : { ...probe, at: probe.at - aheadMs },
    }
  })
}

/** Adds a change to `unknown` where the process of a breaker that was not closed ended. */
function withRestarts(changes: readonly Change[], watch: ServiceWatch | undefined): readonly Change[] {
  if (watch === undefined) return changes
  const facts = { processes: watch.processes.all, starts: watch.processes.starts }
  return changes.flatMap((change, index) => {
    if (change.to === 'closed') return [change]
    const at = endedAt(change.process, change.at, facts)
    const next = changes[index + 1]?.at ?? Number.POSITIVE_INFINITY
    if (at === undefined || at >= next) return [change]
    return [change, { at, from: change.to, to: 'unknown', reason: RESTART, traceId: undefined }]
  })
}

/** The state of a breaker. A restart of its process makes an open one unknown. */
export function breakerState({ service, shield, policy, state }: BreakerHistory, health: Health): string {
  if (state === 'closed') return state
  const open = health.services.find(({ name }) => name === service)?.open_breakers
  return open?.some((breaker) => breaker.shield === shield && breaker.policy === policy) ? state : 'unknown'
}

/** When an open breaker tries again: callers were told, or it did so after as long as the last time. */
function probeOf({ changes, refusals }: BreakerHistory): Lane['probe'] {
  const { items } = changes
  const openedAt = items.at(-1)?.at ?? 0
  if (refusals.retryAt !== undefined && refusals.retryAt >= openedAt) return { at: refusals.retryAt, isEstimate: false }
  const last = items.findLastIndex(({ to }, index) => to === 'half-open' && items[index - 1]?.to === 'open')
  if (last === -1) return null
  const openMs = (items[last]?.at ?? 0) - (items[last - 1]?.at ?? 0)
  return { at: openedAt + openMs, isEstimate: true }
}
