import type { ErrorGroup, ErrorGroups } from '../counts/errors/error-groups.ts'
import type { LoggedError } from '../counts/errors/logged-error.ts'
import type { ErrorLine, Journal } from '../journal/journal.ts'
import type { Kind } from '../lines/kind.ts'
import { includes, type Selection } from './selection.ts'
import type { Range } from './summary.ts'

/** The most errors in the list of the latest ones. */
const ERRORS_SHOWN = 50
/** The most traces of the cause. */
const TRACES_SHOWN = 20

/** Errors with the same service, code and message template within a range. */
export interface ErrorGroupJson {
  readonly service: string
  readonly code: string
  /** The message with numbers, ids and quoted texts replaced. Empty without a message. */
  readonly message: string
  readonly kind: Kind
  /** Whether a fallback hid these errors from clients. */
  readonly fallback: boolean
  /** How many there are in the range. */
  readonly count: number
  /** When the first of all was logged, also before the range. */
  readonly first: number
  readonly last: number
  /** `new`: not seen before the range. `returning`: seen before, but not in the same span before the range. */
  readonly age: 'new' | 'returning' | 'continuing'
  readonly traces: readonly ErrorTrace[]
}

/** One error of a group. */
export interface ErrorTrace {
  readonly at: number
  readonly status: number | undefined
  readonly path: string | undefined
  readonly detail: string | undefined
  readonly traceId: string | undefined
}

/** An error of the service that causes the trouble. */
export interface CauseTrace extends ErrorTrace {
  readonly code: string
}

/** The groups of errors, technical ones first. */
export interface ErrorGroupsJson {
  readonly groups: readonly ErrorGroupJson[]
  readonly more: number
}

/** Groups the errors of a range that a selection includes. */
export function errorGroupsOf(
  errors: ErrorGroups,
  range: Range,
  selection: Selection,
  groupsMax: number,
): ErrorGroupsJson {
  const counts = countsOf(errors, range, selection)
  const before = countsOf(errors, { from: 2 * range.from - range.to, to: range.from }, selection)
  const groups = [...counts].sort(
    ([a, more], [b, less]) =>
      Number(a.kind === 'business') - Number(b.kind === 'business') || less - more || b.lastAt - a.lastAt,
  )
  return {
    groups: groups
      .slice(0, groupsMax)
      .map(([group, count]) => groupJson(group, count, range, before.has(group), selection)),
    more: Math.max(0, groups.length - groupsMax),
  }
}

/** Returns the latest errors of a range that a selection includes, newest first. Business errors only fill up the list. */
export function latestErrors({ errors }: Journal, range: Range, selection: Selection): readonly ErrorLine[] {
  const isShown = (error: ErrorLine): boolean =>
    error.at >= range.from && error.at < range.to && includes(selection, error)
  return errors.newest(ERRORS_SHOWN, isShown).toReversed()
}

/** Returns the latest errors of a service with a trace, newest first, technical ones first. */
export function tracesOf(errors: ErrorGroups, service: string): readonly CauseTrace[] {
  const ofKind = (kind: Kind): readonly CauseTrace[] =>
    errors.all
      .filter((group) => group.service === service && group.kind === kind)
      .flatMap(({ code, examples }) => examples.items.map((error) => ({ ...exampleJson(error), code })))
      .filter(({ traceId }) => traceId !== undefined)
      .sort((a, b) => b.at - a.at)
  return [...ofKind('technical'), ...ofKind('business')].slice(0, TRACES_SHOWN)
}

function countsOf(errors: ErrorGroups, { from, to }: Range, selection: Selection): Map<ErrorGroup, number> {
  const { timeline } = errors
  const counts = new Map<ErrorGroup, number>()
  for (const [, slot] of timeline.between(timeline.stepFor(from, to), from, to)) {
    for (const [number, { count }] of slot.cells) {
      const { group, route } = errors.cell(number)
      if (includes(selection, { service: group.service, route })) counts.set(group, (counts.get(group) ?? 0) + count)
    }
  }
  return counts
}

function groupJson(
  group: ErrorGroup,
  count: number,
  { from }: Range,
  wasBefore: boolean,
  selection: Selection,
): ErrorGroupJson {
  const age = group.firstAt >= from ? 'new' : wasBefore ? 'continuing' : 'returning'
  const examples = group.examples.items.filter(
    ({ route }) => selection.route === undefined || route === selection.route,
  )
  return {
    service: group.service,
    code: group.code,
    message: group.template,
    kind: group.kind,
    fallback: group.isHidden,
    count,
    first: group.firstAt,
    last: group.lastAt,
    age,
    traces: examples.map(exampleJson).reverse(),
  }
}

/** Returns one error of a group. */
export function exampleJson({ at, status, path, detail, traceId }: LoggedError): ErrorTrace {
  return { at, status, path, detail, traceId }
}
