import type { Edge } from '../counts/watch/edges.ts'
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
 */
export function knownCalls(services: Services): readonly KnownCall[] {
  const direct = services.direct.all
  const found = new Map(direct.map((edge) => [keyOf(edge), edge]))
  const doubtful: Edge[] = []
  for (const edge of [...services.edges.all, ...nestedCalls(services)]) {
    if (found.has(keyOf(edge))) continue
    found.set(keyOf(edge), edge)
    doubtful.push(edge)
  }
  const into = new Map<number, Edge[]>()
  for (const edge of found.values()) into.set(edge.callee.number, [...(into.get(edge.callee.number) ?? []), edge])
  // In a fixed order: of two pairs that explain each other, one stays.
  doubtful.sort((a, b) => b.total - a.total || compareNames(a, b))
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
    const calls = through.reduce((sum, { total }) => sum + total, 0)
    if (calls >= edge.total * THROUGH_SHARE) isKnown.delete(keyOf(edge))
  }
  return [
    ...direct.map((edge): KnownCall => ({ edge, by: 'span' })),
    ...doubtful.filter((edge) => isKnown.has(keyOf(edge))).map((edge): KnownCall => ({ edge, by: 'trace' })),
  ]
}

function keyOf({ caller, callee }: Edge): number {
  return caller.number * 65_536 + callee.number
}

function compareNames(a: Edge, b: Edge): number {
  return a.caller.name.localeCompare(b.caller.name) || a.callee.name.localeCompare(b.callee.name)
}
