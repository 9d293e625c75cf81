import { type Arrow, compare } from './layers.ts'
import { nodeKey, type Ordered } from './order.ts'

/** How an arrow is drawn. */
export interface Route {
  /** A path of SVG. */
  readonly path: string
  /** Where it ends, and where its head points to. */
  readonly end: Point & { readonly towards: 'right' | 'left' | 'down' }
  /** Where its label begins or ends, and between which layers. */
  readonly label: Point & { readonly align: 'start' | 'end'; readonly gap: number }
}

interface Point {
  readonly x: number
  readonly y: number
}

interface Placed {
  /** The left edge of each layer. */
  readonly columns: readonly number[]
  /** The middle of each place, by its key. */
  readonly middles: ReadonlyMap<string, number>
  readonly nodeWidth: number
  readonly nodeHeight: number
  readonly isTurned: (arrow: Arrow) => boolean
}

/** Arrows end this far apart at a node, unless it is too low for that. */
const PORT_GAP = 12
const LABEL_INSET = 12
const LOOP = 20

/** Draws each arrow through its places. */
export function routesOf(arrows: readonly Arrow[], { layers, ways }: Ordered, placed: Placed): readonly Route[] {
  const layerOf = new Map(layers.flatMap((places, layer) => places.map(({ key }) => [key, layer] as const)))
  const turned = arrows.map(placed.isTurned)
  const ports = portsOf(ways, turned, placed)
  const sources = countBy(arrows.map(({ from }) => from))
  const targets = countBy(arrows.map(({ to }) => to))
  return arrows.map((arrow, at) => {
    const way = ways[at] ?? []
    if (arrow.from === arrow.to) return loopOf(nodeKey(arrow.from), layerOf.get(nodeKey(arrow.from)) ?? 0, placed)
    const isTurned = turned[at] === true
    const points = pointsOf(way, isTurned, layerOf, ports, placed)
    const ordered = isTurned ? points.toReversed() : points
    const [first, last] = [ordered[0], ordered.at(-1)] as [Point, Point]
    // The label is where fewer arrows meet.
    const isAtEnd = (sources.get(arrow.from) ?? 0) >= (targets.get(arrow.to) ?? 0)
    const near = isAtEnd ? last : first
    const isLeftOfNode = isAtEnd !== isTurned
    const nearLayer = layerOf.get(nodeKey(isAtEnd ? arrow.to : arrow.from)) ?? 0
    return {
      path: pathOf(ordered),
      end: { ...last, towards: isTurned ? 'left' : 'right' },
      label: {
        x: near.x + (isLeftOfNode ? -LABEL_INSET : LABEL_INSET),
        y: near.y,
        align: isLeftOfNode ? 'end' : 'start',
        gap: isLeftOfNode ? nearLayer - 1 : nearLayer,
      },
    }
  })
}

type Ports = ReadonlyMap<string, number>

/**
 * Spreads the arrows at each side of a node, in the order of where they go. Those that share a place share their port, unless
 * they have opposite directions.
 */
function portsOf(ways: Ordered['ways'], turned: readonly boolean[], { middles, nodeHeight }: Placed): Ports {
  /** The middles of the places that each port leads to, by the side of the node and by the port. */
  const sides = new Map<string, Map<string, number>>()
  const add = (node: string | undefined, side: Side, other: string | undefined, isTurned: boolean): void => {
    if (node === undefined || other === undefined) return
    const key = `${side} ${node}`
    const known = sides.get(key) ?? new Map<string, number>()
    known.set(portKey(node, side, other, isTurned), middles.get(other) ?? 0)
    sides.set(key, known)
  }
  for (const [at, way] of ways.entries()) {
    add(way[0], 'right', way[1], turned[at] === true)
    add(way.at(-1), 'left', way.at(-2), turned[at] === true)
  }
  const ports = new Map<string, number>()
  for (const side of sides.values()) {
    const sorted = [...side].sort(([a, high], [b, low]) => high - low || compare(a, b))
    const gap = Math.min(PORT_GAP, (nodeHeight - PORT_GAP) / sorted.length)
    for (const [at, [key]] of sorted.entries()) ports.set(key, (at - (sorted.length - 1) / 2) * gap)
  }
  return ports
}

type Side = 'left' | 'right'

function portKey(node: string, side: Side, other: string, isTurned: boolean): string {
  return [node, side, other, isTurned].join('\u0000')
}

/** The points from left to right: the edge of the first node, both ends of each place between, the edge of the last node. */
function pointsOf(
  way: readonly string[],
  isTurned: boolean,
  layerOf: ReadonlyMap<string, number>,
  ports: Ports,
  { columns, middles, nodeWidth }: Placed,
): readonly Point[] {
  return way.flatMap((key, at) => {
    const left = columns[layerOf.get(key) ?? 0] ?? 0
    const y = middles.get(key) ?? 0
    if (at === 0)
      return [{ x: left + nodeWidth, y: y + (ports.get(portKey(key, 'right', way[1] ?? '', isTurned)) ?? 0) }]
    if (at === way.length - 1)
      return [{ x: left, y: y + (ports.get(portKey(key, 'left', way.at(-2) ?? '', isTurned)) ?? 0) }]
    return [
      { x: left, y },
      { x: left + nodeWidth, y },
    ]
  })
}

/** Curves between layers, straight lines through them. */
function pathOf(points: readonly Point[]): string {
  return points
    .map(({ x, y }, at) => {
      const before = points[at - 1]
      if (before === undefined) return `M${x} ${round(y)}`
      if (at % 2 === 0) return `L${x} ${round(y)}`
      const middle = round((before.x + x) / 2)
      return `C${middle} ${round(before.y)} ${middle} ${round(y)} ${x} ${round(y)}`
    })
    .join('')
}

/** An arrow from a node to itself: above its right corner. */
function loopOf(key: string, layer: number, { columns, middles, nodeWidth, nodeHeight }: Placed): Route {
  const x = (columns[layer] ?? 0) + nodeWidth
  const y = (middles.get(key) ?? 0) - nodeHeight / 2
  const path = `M${x} ${y + LOOP / 2}C${x + LOOP} ${y + LOOP / 2} ${x} ${y - LOOP} ${x - LOOP} ${y}`
  return {
    path,
    end: { x: x - LOOP, y, towards: 'down' },
    // Above the node, where no other label is.
    label: { x: x - LOOP - LABEL_INSET, y: y - LABEL_INSET, align: 'end', gap: -1 - layer },
  }
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
