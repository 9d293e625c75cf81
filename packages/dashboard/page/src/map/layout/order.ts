import { type Arrow, compare, isTurned } from './layers.ts'

/** A place in a layer: that of a node, or where arrows from one node pass on their way to later layers. */
export interface Place {
  readonly key: string
  readonly layer: number
  readonly isNode: boolean
}

/** The places of a graph, and the ways of its arrows. */
export interface Ordered {
  /** The places of each layer, from the top. */
  readonly layers: readonly (readonly Place[])[]
  /** The keys of the places that each arrow passes, from left to right. Loops have none. */
  readonly ways: readonly (readonly string[])[]
}

const SWEEPS = 12

/** Orders the places of each layer so that few arrows cross. The order of the arguments does not matter. */
export function order(layers: ReadonlyMap<string, number>, arrows: readonly Arrow[]): Ordered {
  const places = new Map<string, Place>()
  for (const name of [...layers.keys()].sort(compare))
    places.set(nodeKey(name), { key: nodeKey(name), layer: layers.get(name) ?? 0, isNode: true })
  const ways = arrows.map((arrow) => wayOf(arrow, layers, places))
  const sorted = [...places.values()].sort((a, b) => compare(a.key, b.key))
  const columns = Array.from({ length: Math.max(-1, ...layers.values()) + 1 }, (_, layer): Place[] => {
    const nodes = sorted.filter((place) => place.layer === layer && place.isNode)
    // In the middle, so that what is behind them need not be higher or lower.
    const between = sorted.filter((place) => place.layer === layer && !place.isNode)
    return [...nodes.slice(0, nodes.length / 2), ...between, ...nodes.slice(nodes.length / 2)]
  })
  // Sorted, because a sum of positions depends on their order, and so would the order of equal middles.
  const links = linksOf(ways.toSorted((a, b) => compare(a.join(), b.join())))
  let best = { columns: columns.map((column) => [...column]), crossings: crossingsOf(columns, links) }
  for (let sweep = 0; sweep < SWEEPS && best.crossings > 0; sweep += 1) {
    const isForward = sweep % 2 === 0
    const sequence = isForward ? columns : columns.toReversed()
    for (const column of sequence.slice(1)) sortByNeighbours(column, columns, isForward ? links.before : links.after)
    const crossings = crossingsOf(columns, links)
    if (crossings < best.crossings) best = { columns: columns.map((column) => [...column]), crossings }
  }
  return { layers: best.columns, ways }
}

/** The key of the place of a node. */
export function nodeKey(name: string): string {
  return `n${name}`
}

interface Links {
  readonly before: ReadonlyMap<string, readonly string[]>
  readonly after: ReadonlyMap<string, readonly string[]>
}

/** Arrows from the same node share their places in the layers between, so that many of them need no more room than one. */
function wayOf(arrow: Arrow, layers: ReadonlyMap<string, number>, places: Map<string, Place>): readonly string[] {
  if (arrow.from === arrow.to) return []
  const [left, right] = isTurned(arrow, layers) ? [arrow.to, arrow.from] : [arrow.from, arrow.to]
  const way = [nodeKey(left)]
  for (let layer = (layers.get(left) ?? 0) + 1; layer < (layers.get(right) ?? 0); layer += 1) {
    const key = `p${left}\u0000${layer}`
    places.set(key, { key, layer, isNode: false })
    way.push(key)
  }
  return [...way, nodeKey(right)]
}

function linksOf(ways: Ordered['ways']): Links {
  const before = new Map<string, string[]>()
  const after = new Map<string, string[]>()
  const add = (links: Map<string, string[]>, from: string, to: string): void => {
    const known = links.get(from)
    if (known === undefined) links.set(from, [to])
    else if (!known.includes(to)) known.push(to)
  }
  for (const way of ways)
    for (const [at, key] of way.slice(1).entries()) {
      const previous = way[at] ?? ''
      add(before, key, previous)
      add(after, previous, key)
    }
  return { before, after }
}

/** Sorts a layer by the middle of what each place is linked to. Those that are linked to nothing keep their places. */
function sortByNeighbours(column: Place[], columns: readonly Place[][], links: Links['before']): void {
  const positions = positionsOf(columns)
  const middles = new Map(
    column.map(({ key }, at) => {
      const linked = links.get(key) ?? []
      const sum = linked.reduce((total, other) => total + (positions.get(other) ?? 0), 0)
      return [key, linked.length === 0 ? (positions.get(key) ?? at) : sum / linked.length]
    }),
  )
  column.sort((a, b) => (middles.get(a.key) ?? 0) - (middles.get(b.key) ?? 0) || compare(a.key, b.key))
}

/** Positions in a layer, from 0 to 1: layers have different lengths. */
function positionsOf(columns: readonly (readonly Place[])[]): ReadonlyMap<string, number> {
  return new Map(columns.flatMap((column) => column.map(({ key }, at) => [key, (at + 0.5) / column.length] as const)))
}

function crossingsOf(columns: readonly (readonly Place[])[], { after }: Links): number {
  const positions = positionsOf(columns)
  let crossings = 0
  for (const column of columns) {
    const lines = column.flatMap(({ key }) =>
      (after.get(key) ?? []).map((to) => [positions.get(key) ?? 0, positions.get(to) ?? 0] as const),
    )
    for (const [at, [from, to]] of lines.entries())
      for (const [otherFrom, otherTo] of lines.slice(at + 1))
        if ((from - otherFrom) * (to - otherTo) < 0) crossings += 1
  }
  return crossings
}
