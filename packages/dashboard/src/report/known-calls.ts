import type { Edge } from '../counts/watch/edges.ts'
import type { ServiceWatch } from '../counts/watch/service-watch.ts'
import type { Services } from '../counts/watch/services.ts'

/** Requests within others tell of a call after this many, if this many times fewer are the other way round. */
const NESTED_MIN = 3
const NESTED_FACTOR = 9
/** A service calls another one through others if those make at least this share of the calls. */
const THROUGH_SHARE = 0.8

/** A call between two services, and what tells of it. */
export interface KnownCall {
  readonly edge: Edge
  readonly by: 'span' | 'trace'
}

/** Returns the calls that tell of a request within another one, without those that overlap by chance. */
export function nestedCalls({ nested }: Services): readonly Edge[] {
  return nested.all.filter(({ caller, callee, total }) => {
    // Calls of the same caller that overlap are within each other in both directions, sooner or later.
    const reverse = nested.between(callee, caller)?.total ?? 0
    return total >= NESTED_MIN && total >= reverse * NESTED_FACTOR
  })
}

/**
 * Returns which service calls which, without the calls that one makes through another.
 *
 * A parent span tells of a call itself. A trace only tells that one service is behind another one: such a pair is left out
 * if other services behind the first one make nearly all of its calls.
 *
 * @param recentOf how many calls there were lately: a caller that is known only now did not count the calls before
 */
export function knownCalls(services: Services, recentOf: (edge: Edge) => number): readonly KnownCall[] {
  const direct = services.direct.all
  const found = new Map(direct.map((edge) => [keyOf(edge), edge]))
  const doubtful: Edge[] = []
  for (const edge of [...services.edges.all, ...likelyNested(services)]) {
    if (found.has(keyOf(edge))) continue
    found.set(keyOf(edge), edge)
    doubtful.push(edge)
  }
  const into = new Map<number, Edge[]>()
  for (const edge of found.values()) {
    const known = into.get(edge.callee.number)
    if (known === undefined) into.set(edge.callee.number, [edge])
    else known.push(edge)
  }
  // In a fixed order: of two pairs that explain each other, one stays.
  doubtful.sort((a, b) => b.total - a.total || keyOf(a) - keyOf(b))
  const isKnown = new Set(found.keys())
  for (const edge of doubtful) {
    const through = (into.get(edge.callee.number) ?? []).filter(
      (other) =>
        other.caller !== edge.caller &&
        other.caller !== edge.callee &&
        isKnown.has(keyOf(other)) &&
        // This one may be left out itself: then there is a longer way.
        found.has(edge.caller.number * 65_536 + other.caller.number),
    )
    if (through.length > 0 && makeNearlyAll(through, edge, recentOf)) isKnown.delete(keyOf(edge))
  }
  return [
    ...direct.map((edge): KnownCall => ({ edge, by: 'span' })),
    ...doubtful.filter((edge) => isKnown.has(keyOf(edge))).map((edge): KnownCall => ({ edge, by: 'trace' })),
  ]
}

/**
 * Returns the requests within others that are likely calls: two calls that a service makes at the same time are within each
 * other in about half of the traces only, and a request with a known parent span has its caller.
 */
function likelyNested(services: Services): readonly Edge[] {
  const direct = new Map<ServiceWatch, number>()
  const certain = new Map<ServiceWatch, number>()
  for (const { callee, total } of services.direct.all) direct.set(callee, (direct.get(callee) ?? 0) + total)
  for (const { callee, total } of services.edges.all) certain.set(callee, (certain.get(callee) ?? 0) + total)
  // A request counts for its parent, and for the first service of its trace if that is another one.
  const byTrace = (watch: ServiceWatch): number => (certain.get(watch) ?? 0) - (direct.get(watch) ?? 0)
  const hopsOf = (watch: ServiceWatch): number => Math.max(byTrace(watch), direct.get(watch) ?? 0)
  return nestedCalls(services).filter(({ caller, callee, total }) => {
    const known = direct.get(callee) ?? 0
    if (known > 0 && known >= byTrace(callee) * THROUGH_SHARE) return false
    return total >= Math.min(hopsOf(caller) || total, hopsOf(callee) || total) * THROUGH_SHARE
  })
}

/** Compares what was called lately; without such calls, what was called ever. */
function makeNearlyAll(through: readonly Edge[], edge: Edge, recentOf: (edge: Edge) => number): boolean {
  const sumOf = (countOf: (one: Edge) => number): number => through.reduce((sum, one) => sum + countOf(one), 0)
  const recent = sumOf(recentOf)
  const isIdle = recent === 0 && recentOf(edge) === 0
  if (isIdle) return sumOf(({ total }) => total) >= edge.total * THROUGH_SHARE
  return recent >= recentOf(edge) * THROUGH_SHARE
}

function keyOf({ caller, callee }: Edge): number {
  return caller.number * 65_536 + callee.number
}
