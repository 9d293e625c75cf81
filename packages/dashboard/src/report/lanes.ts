import type { BreakerHistory, Change } from '../counts/breakers.ts'
import { coreOf } from '../counts/watch/core-of.ts'
import type { ServiceWatch } from '../counts/watch/service-watch.ts'
import type { Journal } from '../journal/journal.ts'
import { endedAt } from '../verdict/processes.ts'
import type { Health } from './health.ts'
import type { Range } from './summary.ts'
import type { Sum } from './sums.ts'

/** A breaker in all instances of a service, its changes within the range, and what it did in the range. */
export interface Lane {
  readonly service: string
  readonly shield: string
  readonly policy: string
  /** Of several instances, the worst state. */
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
  /** If several instances run: how many, and those whose circuit is not closed. */
  readonly instances?: { readonly all: number; readonly notClosed: readonly LaneInstance[] }
}

/** The state of a breaker in one instance of its service. */
export interface LaneInstance {
  readonly name: string
  readonly state: string
}

/** A change of state. `failures` of `calls` opened the breaker; `reason` is `restart` where the state became unknown. */
export interface LaneChange extends Omit<Change, 'process'> {
  /** The instance that changed, if the lines name it. */
  readonly instance?: string | undefined
  /** The state of the lane after the change, if that is another one: the worst of all instances. */
  readonly state?: string
}

const RESTART = 'restart'
/** The states of which the first one is that of the lane. */
const WORST_FIRST = ['isolated', 'open', 'half-open', 'disabled', 'closed', 'unknown']

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
  const groups = new Map<string, BreakerHistory[]>()
  for (const breaker of breakers.all) {
    const key = [breaker.service, breaker.shield, breaker.policy].join('\u0000')
    groups.set(key, [...(groups.get(key) ?? []), breaker])
  }
  return [...groups.values()].map((group) => {
    const { service, shield, policy } = group[0] as BreakerHistory
    const watch = services.all.find(({ name }) => name === service)
    const parts = group.map((breaker) => partOf(breaker, watch, range, health))
    const core = coreOf(shield)
    const callee = services.all.find((other) => other.name !== service && other.core === core)
    const totals = callee === undefined ? undefined : answered.get(callee.name)
    const all = health.services.find(({ name }) => name === service)?.instances.length ?? 0
    return {
      service,
      shield,
      policy,
      ...merged(parts),
      callee:
        callee === undefined
          ? null
          : { service: callee.name, requests: totals?.requests ?? 0, failures: totals?.serverErrors ?? 0 },
      ...(all > 1 ? { instances: { all, notClosed: parts.flatMap(notClosed) } } : {}),
    }
  })
}

/** What a lane has of the breaker of one instance. */
interface Part extends Pick<Lane, 'state' | 'since' | 'before' | 'changes' | 'refusals' | 'probe'> {
  readonly instance: string | undefined
}

function partOf(breaker: BreakerHistory, watch: ServiceWatch | undefined, range: Range, health: Health): Part {
  // The verdict needs a breaker's history by the clock of its service. The page shows it where it shows the lines.
  const aheadMs = watch?.shift.ms ?? 0
  const own = { from: range.from + aheadMs, to: range.to + aheadMs }
  const changes = withRestarts(breaker.changes.items, watch)
  const within = changes.filter(({ at }) => at >= own.from && at < own.to)
  const before = changes.findLast(({ at }) => at < own.from)?.to ?? changes[0]?.from ?? breaker.state
  const state = breakerState(breaker, health)
  const since = state === 'unknown' ? (changes.at(-1)?.at ?? breaker.since) : breaker.since
  const probe = state === 'open' ? probeOf(breaker) : null
  const { instance } = breaker
  return {
    instance,
    state,
    since: since === undefined ? undefined : since - aheadMs,
    before,
    changes: within.map(({ process: _, ...change }) => ({
      ...change,
      at: change.at - aheadMs,
      ...(instance === undefined ? {} : { instance }),
    })),
    refusals: breaker.refusals.between(own.from, own.to),
    probe: probe === null ? null : { ...probe, at: probe.at - aheadMs },
  }
}

function merged(parts: readonly Part[]): Omit<Part, 'instance'> {
  const [only] = parts
  if (only !== undefined && parts.length === 1) {
    const { instance: _, ...rest } = only
    return rest
  }
  const state = worstOf(parts.map((part) => part.state))
  const inState = parts.filter((part) => part.state === state)
  const probes = inState.flatMap(({ probe }) => probe ?? [])
  const [probe = null] = probes.sort((a, b) => a.at - b.at)
  return {
    state,
    since: least(inState.flatMap(({ since }) => since ?? [])),
    before: worstOf(parts.map(({ before }) => before)),
    changes: inOrder(parts),
    refusals: parts.reduce((sum, { refusals }) => sum + refusals, 0),
    probe,
  }
}

/** The changes of all instances, each with the state of the lane after it. */
function inOrder(parts: readonly Part[]): readonly LaneChange[] {
  const states = parts.map(({ before }) => before)
  return parts
    .flatMap(({ changes }, index) => changes.map((change) => ({ change, index })))
    .sort((a, b) => a.change.at - b.change.at)
    .map(({ change, index }) => {
      states[index] = change.to
      const state = worstOf(states)
      return state === change.to ? change : { ...change, state }
    })
}

function notClosed({ instance, state }: Part): readonly LaneInstance[] {
  return instance === undefined || state === 'closed' || state === 'unknown' ? [] : [{ name: instance, state }]
}

/** The worst of the states that the instances of a breaker are in. */
export function worstOf(states: readonly string[]): string {
  return WORST_FIRST.find((state) => states.includes(state)) ?? states[0] ?? 'closed'
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values)
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
export function breakerState({ service, shield, policy, instance, state }: BreakerHistory, health: Health): string {
  if (state === 'closed') return state
  const isSame = (other: Health['services'][number]['open_breakers'][number]): boolean =>
    other.shield === shield && other.policy === policy && other.instance === instance
  const open = health.services.find(({ name }) => name === service)?.open_breakers
  return open?.some(isSame) ? state : 'unknown'
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
